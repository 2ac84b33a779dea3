package io.luciole.model.checkpoint;

import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of a model's weight files, by name.
 *
 * <p>A file is safetensors, PyTorch's zip format ({@code pytorch_model.bin}, {@code *.pt}), told
 * from each other by their first bytes, or, if its name ends in {@code .json}, the index of a
 * sharded checkpoint of either, whose shards lie beside it. PyTorch's format before 1.6 is
 * recognised and refused. A file whose name ends in {@code .onnx} is read where it is an export
 * with weights quantised by ONNX Runtime's {@code quantize_dynamic}, and refused otherwise.
 *
 * <p>Opening reads the headers only, milliseconds for a checkpoint of gigabytes. Names are those in
 * the file, prefixes such as {@code roberta.} or {@code module.} and the keys of nested dicts
 * included.
 *
 * <p>Immutable, and safe for use by many threads, but for {@link #close()}: it lets go of the
 * files, after which tensors that were not mapped yet cannot be. Buffers handed out stay valid.
 * Interrupting a thread while it opens or maps a tensor closes that file for all, as it does with
 * every {@link java.nio.channels.FileChannel}.
 */
public final class Checkpoint implements AutoCloseable {
  private static final int SNIFFED = 16;
  private static final int ZIP_ENTRY = 0x04034b50;
  private static final int ZIP_END = 0x06054b50;
  private static final byte[] LEGACY = {
    (byte) 0x80,
    2,
    (byte) 0x8a,
    10,
    0x6c,
    (byte) 0xfc,
    (byte) 0x9c,
    0x46,
    (byte) 0xf9,
    0x20,
    0x6a,
    (byte) 0xa8,
    0x50,
    0x19
  };
  private static final byte[] LFS_POINTER = {'v', 'e', 'r', 's', 'i', 'o', 'n', ' ', 'h', 't'};
  private static final String FETCH =
      "name a .safetensors, .bin or .pt file, or the .index.json of a sharded checkpoint";

  private final List<Path> paths;
  private final List<WeightFile> files = new ArrayList<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  private Checkpoint(List<Path> paths) {
    this.paths = paths;
  }

  /**
   * Opens one weight file, or the index of a sharded checkpoint with all its shards.
   *
   * @param file a {@code .safetensors}, {@code .bin}, {@code .pt} or {@code .index.json} file
   * @return the open checkpoint; the caller closes it
   * @throws CheckpointException if it cannot be read, is damaged, or is of a kind that is refused
   */
  public static Checkpoint open(Path file) {
    return open(List.of(requireNonNull(file, "file")));
  }

  /**
   * Opens several weight files as one checkpoint.
   *
   * @param files one file or more, each as in {@link #open(Path)}
   * @return the open checkpoint; the caller closes it
   * @throws CheckpointException if one cannot be read, is damaged, or is of a kind that is refused,
   *     or if two of them hold a tensor of the same name
   */
  public static Checkpoint open(List<Path> files) {
    List<Path> paths = List.copyOf(requireNonNull(files, "files"));
    if (paths.isEmpty()) {
      throw new CheckpointException("expected at least one weight file, found none: " + FETCH);
    }
    Checkpoint checkpoint = new Checkpoint(paths);
    try {
      for (Path path : paths) {
        checkpoint.add(path);
      }
      return checkpoint;
    } catch (RuntimeException | Error e) {
      checkpoint.close();
      throw e;
    }
  }

  private void add(Path path) {
    WeightFile file = openFile(path);
    Kind kind = Kind.of(file);
    List<Tensor> found = kind == Kind.INDEX ? readShards(file) : kind.read(file);
    addAll(found, tensors);
  }

  private WeightFile openFile(Path path) {
    WeightFile file = WeightFile.open(path);
    files.add(file);
    return file;
  }

  private static void addAll(List<Tensor> found, Map<String, Tensor> tensors) {
    for (Tensor tensor : found) {
      Tensor other = tensors.put(tensor.name(), tensor);
      if (other != null) {
        throw CheckpointException.of(
            "each tensor once",
            Tensor.what(tensor.name()) + " already in " + other.file(),
            tensor.file(),
            "open files with equal names one by one");
      }
    }
  }

  private List<Tensor> readShards(WeightFile index) {
    Map<String, Path> shardOf = ShardIndex.read(index);
    Map<Path, Map<String, Tensor>> shards = new LinkedHashMap<>();
    List<Tensor> found = new ArrayList<>();
    shardOf.forEach((name, path) -> {
      Tensor tensor = shards.computeIfAbsent(path, this::readShard).get(name);
      if (tensor == null) {
        throw CheckpointException.of(
            Tensor.what(name) + ", which " + index.path() + " says is here",
            "none of this name",
            path,
            "index and shards do not belong together: fetch both again");
      }
      found.add(tensor);
    });
    return found;
  }

  private Map<String, Tensor> readShard(Path path) {
    WeightFile file = openFile(path);
    Kind kind = Kind.of(file);
    if (kind == Kind.INDEX) {
      throw CheckpointException.of("a shard", "another index", path, CheckpointException.DAMAGED);
    }
    Map<String, Tensor> shard = new LinkedHashMap<>();
    addAll(kind.read(file), shard);
    return shard;
  }

  /**
   * Returns the names of all tensors.
   *
   * @return the names as the files spell them, in the files' order; unmodifiable
   */
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /**
   * Finds a tensor.
   *
   * @param name the name as the file spells it
   * @return the tensor, or empty where there is none of this name
   */
  public Optional<Tensor> tensor(String name) {
    return Optional.ofNullable(tensors.get(requireNonNull(name, "name")));
  }

  /**
   * Finds a tensor that must be there.
   *
   * @param name the name as the file spells it
   * @return the tensor
   * @throws CheckpointException if there is none; the message names one that ends alike, which
   *     tells a missing or superfluous prefix
   */
  public Tensor require(String name) {
    Tensor tensor = tensors.get(requireNonNull(name, "name"));
    if (tensor != null) {
      return tensor;
    }
    String alike =
        tensors.keySet().stream()
            .filter(other -> other.endsWith("." + name) || name.endsWith("." + other))
            .findFirst()
            .map(other -> ", but " + CheckpointException.quote(other))
            .orElse("");
    throw new CheckpointException(
        "expected "
            + Tensor.what(name)
            + ", found none of this name among "
            + tensors.size()
            + " tensors"
            + alike
            + ", in "
            + (paths.size() == 1 ? paths.getFirst() : paths)
            + ": check that the weights belong to the model's configuration");
  }

  /**
   * Finds a tensor that must be there and have this shape.
   *
   * @param name the name as the file spells it
   * @param shape the expected dimensions; none for a scalar
   * @return the tensor
   * @throws CheckpointException if there is none, as {@link #require}, or if its shape is another
   */
  public Tensor requireShape(String name, long... shape) {
    requireNonNull(shape, "shape");
    Tensor tensor = require(name);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw CheckpointException.of(
          Tensor.what(name) + " of shape " + Tensor.text(shape),
          "shape " + Tensor.text(tensor.shape()),
          tensor.file(),
          "check that the weights belong to the model's configuration");
    }
    return tensor;
  }

  /** Lets go of the files. Buffers that tensors handed out stay valid. */
  @Override
  public void close() {
    files.forEach(WeightFile::close);
  }

  /** What a file is. */
  private enum Kind {
    SAFETENSORS {
      @Override
      List<Tensor> read(WeightFile file) {
        return SafetensorsReader.read(file);
      }
    },
    PYTORCH {
      @Override
      List<Tensor> read(WeightFile file) {
        return PyTorchReader.read(file);
      }
    },
    ONNX {
      @Override
      List<Tensor> read(WeightFile file) {
        return OnnxReader.read(file);
      }
    },
    INDEX {
      @Override
      List<Tensor> read(WeightFile file) {
        throw new AssertionError("an index holds no tensors");
      }
    };

    abstract List<Tensor> read(WeightFile file);

    static Kind of(WeightFile file) {
      int length = (int) Math.min(SNIFFED, file.size());
      ByteBuffer start = file.read(0, length, "the start of the file");
      if (startsWith(start, LEGACY)) {
        throw CheckpointException.of(
            "PyTorch's zip format",
            "its format before 1.6",
            file.path(),
            "convert it in Python: torch.save(torch.load(FILE, weights_only=True), FILE)");
      }
      if (startsWith(start, LFS_POINTER)) {
        throw CheckpointException.of(
            "weights", "a Git LFS pointer to them", file.path(), "fetch them with git lfs pull");
      }
      if (length >= 4 && (start.getInt(0) == ZIP_ENTRY || start.getInt(0) == ZIP_END)) {
        return PYTORCH;
      }
      Path fileName = file.path().getFileName();
      String name = fileName == null ? "" : fileName.toString();
      if (name.endsWith(".json")) {
        return INDEX;
      }
      if (name.endsWith(".onnx")) {
        return ONNX;
      }
      // The length of a safetensors header can look like anything, an opening brace included.
      if (name.endsWith(".safetensors") || (length >= 9 && start.get(8) == '{')) {
        return SAFETENSORS;
      }
      throw CheckpointException.of(
          "a safetensors file or a zip archive of PyTorch",
          length == 0 ? "an empty file" : "neither",
          file.path(),
          FETCH);
    }

    private static boolean startsWith(ByteBuffer buffer, byte[] prefix) {
      return buffer.remaining() >= prefix.length
          && buffer.slice(0, prefix.length).equals(ByteBuffer.wrap(prefix));
    }
  }
}
