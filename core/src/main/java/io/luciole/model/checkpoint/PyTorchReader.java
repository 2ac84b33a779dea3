package io.luciole.model.checkpoint;

import io.luciole.model.checkpoint.Pickled.Dict;
import io.luciole.model.checkpoint.Pickled.Sequence;
import io.luciole.model.checkpoint.Pickled.Tuple;
import io.luciole.model.checkpoint.Pickled.View;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a file of {@code torch.save} (PyTorch 1.6 and later): a zip archive of stored entries,
 *
 * <pre>
 * NAME/data.pkl     the object as a pickle, storages by key
 * NAME/byteorder    "little" or "big"; absent before PyTorch 2.1
 * NAME/data/KEY     the elements of one storage, row-major for a contiguous tensor
 * NAME/version, …   not needed
 * </pre>
 *
 * NAME is any folder. The object must be a dict; dicts, lists and tuples in it are flattened, their
 * keys and positions joined with dots, so that {@code {"state_dict": {"a": tensor}}} holds {@code
 * state_dict.a}. Values that are no tensors are left out.
 */
final class PyTorchReader {
  private static final String PICKLE = "/data.pkl";
  private static final long LARGEST_PICKLE = 16 << 20;
  private static final int DEEPEST = 32;
  private static final int MOST_VALUES = 1_000_000;
  private static final long MOST_NAME_CHARACTERS = 16 << 20;

  private final WeightFile file;
  private final ZipDirectory zip;
  private final String folder;
  private final List<Tensor> tensors = new ArrayList<>();
  private int values;
  private long nameCharacters;

  private PyTorchReader(WeightFile file, ZipDirectory zip, String folder) {
    this.file = file;
    this.zip = zip;
    this.folder = folder;
  }

  static List<Tensor> read(WeightFile file) {
    ZipDirectory zip = ZipDirectory.read(file);
    List<String> pickles =
        zip.names().stream()
            .filter(name -> name.indexOf('/') == name.length() - PICKLE.length())
            .filter(name -> name.endsWith(PICKLE))
            .toList();
    if (pickles.size() != 1) {
      throw CheckpointException.of(
          "one entry FOLDER/data.pkl in the zip archive",
          pickles.size() + " among " + zip.names().size() + " entries",
          file.path(),
          "this is no file of torch.save: name a .bin or .pt file that PyTorch wrote");
    }
    String pickle = pickles.getFirst();
    String folder = pickle.substring(0, pickle.length() - PICKLE.length());
    PyTorchReader reader = new PyTorchReader(file, zip, folder);
    reader.checkByteOrder();
    ZipDirectory.Range range = reader.entry("data.pkl");
    if (range.length() > LARGEST_PICKLE) {
      throw CheckpointException.of(
          "data.pkl of at most " + LARGEST_PICKLE + " bytes",
          range.length() + " bytes",
          file.path(),
          "save the state dict alone, or as safetensors");
    }
    Pickled root =
        StateDictUnpickler.load(
            file.read(range.offset(), (int) range.length(), "data.pkl"), file.path());
    if (!(root instanceof Dict)) {
      throw CheckpointException.of(
          "a dict of tensors",
          root instanceof View ? "a tensor without a name" : "another object",
          file.path(),
          "save the model's state_dict()");
    }
    reader.flatten("", root, 0);
    return reader.tensors;
  }

  private ZipDirectory.Range entry(String name) {
    ZipDirectory.Range range = zip.find(folder + "/" + name);
    if (range == null) {
      throw CheckpointException.of(
          "zip entry " + CheckpointException.quote(folder + "/" + name),
          "none",
          file.path(),
          CheckpointException.DAMAGED);
    }
    return range;
  }

  private void checkByteOrder() {
    ZipDirectory.Range range = zip.find(folder + "/byteorder");
    if (range == null) {
      return;
    }
    int length = (int) Math.min(range.length(), 16);
    String order = file.readText(range.offset(), length, "the byte order");
    if (!order.equals("little")) {
      throw CheckpointException.of(
          "byte order 'little'",
          CheckpointException.quote(order),
          file.path(),
          "load it with torch.load on a little-endian machine and save it there");
    }
  }

  /** Bounded in depth, values and characters: parts may be shared or contain themselves. */
  private void flatten(String name, Pickled value, int depth) {
    nameCharacters += name.length();
    if (depth > DEEPEST || ++values > MOST_VALUES || nameCharacters > MOST_NAME_CHARACTERS) {
      throw CheckpointException.of(
          "a state dict at most "
              + DEEPEST
              + " levels deep, with at most "
              + MOST_VALUES
              + " values whose names have "
              + MOST_NAME_CHARACTERS
              + " characters in all",
          "more",
          file.path(),
          "save the model's state_dict() alone");
    }
    String prefix = name.isEmpty() ? "" : name + ".";
    switch (value) {
      case View view -> tensors.add(tensor(name, view));
      case Dict dict -> dict.items.forEach((key, item) -> flatten(prefix + key, item, depth + 1));
      case Sequence sequence -> flattenItems(prefix, sequence.items, depth);
      case Tuple tuple -> flattenItems(prefix, tuple.items, depth);
      default -> {}
    }
  }

  private void flattenItems(String prefix, List<Pickled> items, int depth) {
    for (int i = 0; i < items.size(); i++) {
      flatten(prefix + i, items.get(i), depth + 1);
    }
  }

  private Tensor tensor(String name, View view) {
    Pickled.Storage storage = view.storage;
    String what = Tensor.what(name);
    ZipDirectory.Range range = entry("data/" + storage.key());
    int width = storage.dtype().byteSize();
    if (range.length() % width != 0 || range.length() / width != storage.elements()) {
      throw CheckpointException.of(
          storage.elements() + " elements of " + storage.dtype() + " for " + what,
          range.length() + " bytes",
          file.path(),
          CheckpointException.DAMAGED);
    }
    long end;
    try {
      end = Math.addExact(view.offset, Strides.reach(view.shape, view.strides));
    } catch (ArithmeticException e) {
      end = Long.MAX_VALUE;
    }
    if (end > storage.elements()) {
      throw CheckpointException.of(
          what + " within its storage of " + storage.elements() + " elements",
          "shape "
              + Tensor.text(view.shape)
              + ", strides "
              + Tensor.text(view.strides)
              + ", offset "
              + view.offset,
          file.path(),
          CheckpointException.DAMAGED);
    }
    return Tensor.strided(
        name,
        storage.dtype(),
        view.shape,
        view.strides,
        file,
        range.offset() + view.offset * width);
  }
}
