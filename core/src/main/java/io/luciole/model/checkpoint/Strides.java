package io.luciole.model.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Tensors whose elements are not row-major in the file: transposed, sliced or expanded views. */
final class Strides {
  private Strides() {}

  /**
   * Whether elements lie row-major without gaps; the stride of a dimension of 1 is of no matter.
   */
  static boolean isContiguous(long[] shape, long[] strides) {
    long expected = 1;
    boolean contiguous = true;
    for (int i = shape.length - 1; i >= 0; i--) {
      if (shape[i] == 0) {
        return true;
      }
      if (shape[i] != 1) {
        contiguous &= strides[i] == expected;
        expected *= shape[i];
      }
    }
    return contiguous;
  }

  /**
   * How many elements a view reaches over, counted from its first: 0 where it has none.
   *
   * @throws ArithmeticException if that does not fit 63 bits
   */
  static long reach(long[] shape, long[] strides) {
    long last = 0;
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] == 0) {
        return 0;
      }
      last = Math.addExact(last, Math.multiplyExact(shape[i] - 1, strides[i]));
    }
    return Math.addExact(last, 1);
  }

  /** Copies a strided tensor into row-major order, in direct memory. */
  static ByteBuffer copy(Tensor tensor, long[] strides, WeightFile file) {
    String what = Tensor.what(tensor.name());
    if (tensor.byteSize() > Tensor.LARGEST_COPY) {
      throw CheckpointException.of(
          what + " to be contiguous or at most " + Tensor.LARGEST_COPY + " bytes",
          tensor.byteSize() + " bytes with strides " + Tensor.text(strides),
          file.path(),
          "save it with .contiguous(), or as safetensors");
    }
    long[] shape = tensor.shape();
    int width = tensor.dtype().byteSize();
    ByteBuffer source =
        file.map(tensor.offset(), reach(shape, strides) * width, what)
            .order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer copy = allocate((int) tensor.byteSize(), what, file);
    if (width == 1 && shape.length == 2 && strides[0] == 1 && strides[1] == shape[0]) {
      return transpose(source, (int) shape[0], (int) shape[1], copy);
    }
    long[] index = new long[shape.length];
    long element = 0;
    while (copy.hasRemaining()) {
      int at = (int) (element * width);
      switch (width) {
        case 1 -> copy.put(source.get(at));
        case 2 -> copy.putShort(source.getShort(at));
        case 4 -> copy.putInt(source.getInt(at));
        default -> copy.putLong(source.getLong(at));
      }
      for (int i = shape.length - 1; i >= 0; i--) {
        element += strides[i];
        if (++index[i] < shape[i]) {
          break;
        }
        element -= shape[i] * strides[i];
        index[i] = 0;
      }
    }
    return copy.flip();
  }

  /** Bytes {@code [columns, rows]} as {@code [rows, columns]}: the weights of 8-bit exports. */
  private static ByteBuffer transpose(ByteBuffer source, int rows, int columns, ByteBuffer copy) {
    byte[] all = new byte[rows * columns];
    byte[] column = new byte[rows];
    for (int c = 0; c < columns; c++) {
      source.get(c * rows, column);
      for (int r = 0, at = c; r < rows; r++, at += columns) {
        all[at] = column[r];
      }
    }
    return copy.put(all).flip();
  }

  private static ByteBuffer allocate(int bytes, String what, WeightFile file) {
    try {
      return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    } catch (OutOfMemoryError e) {
      throw CheckpointException.of(
          bytes + " bytes of direct memory to make " + what + " contiguous",
          "no room",
          file.path(),
          "raise -XX:MaxDirectMemorySize, or save it with .contiguous()",
          e);
    }
  }
}
