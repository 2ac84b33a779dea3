package io.luciole.model.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the header of a safetensors file, with the checks of the format's own library (<a
 * href="https://github.com/huggingface/safetensors#format">the format</a>):
 *
 * <pre>
 * offset   bytes  what
 * 0        8      n, the header's length, unsigned little-endian, at most 16 MiB here
 * 8        n      JSON in UTF-8, padded with spaces:
 *                 {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [BEGIN, END]}, …,
 *                  "__metadata__": {"KEY": "text", …}}
 * 8 + n    rest   the tensors' bytes; BEGIN and END count from here
 * </pre>
 *
 * The library allows 100 MB of header; 16 MiB hold more than 100,000 tensors, and bound what a
 * hostile file makes us allocate. Tensors lie row-major and little-endian, one behind the other
 * without gap or overlap, up to the end of the file. {@code __metadata__} is skipped.
 */
final class SafetensorsReader {
  private static final int LENGTH_BYTES = 8;
  private static final long LONGEST_HEADER = 16 << 20;
  private static final String METADATA = "__metadata__";
  private static final String HEADER = "the safetensors header";

  private SafetensorsReader() {}

  static List<Tensor> read(WeightFile file) {
    Path path = file.path();
    long headerLength = file.read(0, LENGTH_BYTES, "the length of " + HEADER).getLong();
    long longest = Math.min(LONGEST_HEADER, file.size() - LENGTH_BYTES);
    if (headerLength < 0 || headerLength > longest) {
      throw CheckpointException.of(
          HEADER + " of at most " + longest + " bytes",
          "a length of " + Long.toUnsignedString(headerLength),
          path,
          "this is no safetensors file, or " + CheckpointException.DAMAGED);
    }
    String header = file.readText(LENGTH_BYTES, (int) headerLength, HEADER);
    if (!header.startsWith("{")) {
      throw CheckpointException.of(
          HEADER + " to begin with '{'",
          header.isEmpty() ? "an empty header" : CheckpointException.quote(header.substring(0, 1)),
          path,
          "this is no safetensors file, or " + CheckpointException.DAMAGED);
    }
    long dataStart = LENGTH_BYTES + headerLength;
    List<Tensor> tensors = new ArrayList<>();
    StrictJson.readObject(
        header,
        path,
        HEADER,
        (name, json) -> {
          if (name.equals(METADATA)) {
            json.skip();
          } else {
            tensors.add(readTensor(file, dataStart, name, json));
          }
        });
    checkLayout(tensors, dataStart, file);
    return tensors;
  }

  private static Tensor readTensor(WeightFile file, long dataStart, String name, StrictJson json)
      throws IOException {
    Fields fields = new Fields();
    json.object((key, value) -> {
      switch (key) {
        case "dtype" -> fields.dtype = value.string();
        case "shape" -> fields.shape = value.sizes(Tensor.MOST_DIMENSIONS);
        case "data_offsets" -> fields.offsets = value.sizes(2);
        default -> value.skip();
      }
    });
    String what = "tensor " + CheckpointException.quote(name);
    String dtypeName = fields.dtype;
    long[] shape = fields.shape;
    long[] offsets = fields.offsets;
    if (dtypeName == null || shape == null || offsets == null || offsets.length != 2) {
      throw CheckpointException.of(
          "dtype, shape and two data_offsets for " + what,
          "one of them missing",
          file.path(),
          CheckpointException.DAMAGED);
    }
    DType dtype =
        DType.ofSafetensors(dtypeName)
            .orElseThrow(() ->
                CheckpointException.of(
                    what + " to be of one of the types " + List.of(DType.values()),
                    CheckpointException.quote(dtypeName),
                    file.path(),
                    "store it as F32, F16 or BF16"));
    long length = Tensor.byteSize(dtype, shape, what, file.path());
    if (offsets[1] - offsets[0] != length) {
      throw CheckpointException.of(
          length + " bytes for " + what + " " + dtype + Tensor.text(shape),
          "data_offsets " + Tensor.text(offsets),
          file.path(),
          CheckpointException.DAMAGED);
    }
    if (offsets[1] > file.size() - dataStart) {
      throw CheckpointException.of(
          what + " to end within the " + (file.size() - dataStart) + " bytes of data",
          "data_offsets " + Tensor.text(offsets),
          file.path(),
          CheckpointException.DAMAGED);
    }
    return Tensor.contiguous(name, dtype, shape, file, dataStart + offsets[0]);
  }

  private static void checkLayout(List<Tensor> tensors, long dataStart, WeightFile file) {
    List<Tensor> byOffset = new ArrayList<>(tensors);
    byOffset.sort(Comparator.comparingLong(Tensor::offset).thenComparingLong(Tensor::byteSize));
    long end = dataStart;
    for (Tensor tensor : byOffset) {
      if (tensor.offset() != end) {
        throw CheckpointException.of(
            "tensor "
                + CheckpointException.quote(tensor.name())
                + " to begin at data offset "
                + (end - dataStart)
                + ", where the one before it ends",
            (tensor.offset() - dataStart) + (tensor.offset() < end ? ", an overlap" : ", a gap"),
            file.path(),
            CheckpointException.DAMAGED);
      }
      end += tensor.byteSize();
    }
    if (end != file.size()) {
      throw CheckpointException.of(
          "the tensors to fill the " + (file.size() - dataStart) + " bytes of data",
          (end - dataStart) + " bytes of tensors",
          file.path(),
          CheckpointException.DAMAGED);
    }
  }

  /** The members of one tensor's object, as far as they were seen. */
  private static final class Fields {
    private @Nullable String dtype;
    private long @Nullable [] shape;
    private long @Nullable [] offsets;
  }
}
