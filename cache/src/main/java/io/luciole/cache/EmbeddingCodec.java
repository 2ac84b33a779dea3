package io.luciole.cache;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The binary format of an embedding in {@link DiskCache}. All numbers are big-endian.
 *
 * <pre>
 * u8   version of this format, 1
 * u8   flags: 1 dense, 2 sparse, 4 multi-vector are present; 8 the text was truncated
 * i32  token count
 * [i32 D, f32[D]]                     dense
 * [i32 n, i32[n] ids, f32[n] weights] sparse
 * [i32 rows, i32 D', f32[rows * D']]  multi-vector
 * i32  CRC-32C of all bytes before it
 * </pre>
 */
final class EmbeddingCodec {
  private static final byte LAYOUT = 1;

  private EmbeddingCodec() {}

  static byte[] encode(Embedding embedding) {
    float[] dense = embedding.has(Output.DENSE) ? embedding.dense() : null;
    SparseVector sparse = embedding.has(Output.SPARSE) ? embedding.sparse() : null;
    MultiVector colbert = embedding.has(Output.COLBERT) ? embedding.colbert() : null;
    int size =
        10
            + (dense == null ? 0 : 4 + 4 * dense.length)
            + (sparse == null ? 0 : 4 + 8 * sparse.size())
            + (colbert == null ? 0 : 8 + 4 * colbert.rows() * colbert.dimension());
    ByteBuffer out = ByteBuffer.allocate(size);
    out.put(LAYOUT);
    out.put(
        (byte)
            ((dense == null ? 0 : 1)
                | (sparse == null ? 0 : 2)
                | (colbert == null ? 0 : 4)
                | (embedding.truncated() ? 8 : 0)));
    out.putInt(embedding.tokenCount());
    if (dense != null) {
      out.putInt(dense.length);
      put(out, dense);
    }
    if (sparse != null) {
      out.putInt(sparse.size());
      for (int i = 0; i < sparse.size(); i++) {
        out.putInt(sparse.id(i));
      }
      for (int i = 0; i < sparse.size(); i++) {
        out.putFloat(sparse.weight(i));
      }
    }
    if (colbert != null) {
      out.putInt(colbert.rows());
      out.putInt(colbert.dimension());
      for (int row = 0; row < colbert.rows(); row++) {
        put(out, colbert.row(row));
      }
    }
    out.putInt(crc(out.array(), size - 4));
    return out.array();
  }

  /** Returns null if the bytes are damaged or have another version. */
  static @Nullable Embedding decode(byte[] bytes) {
    if (bytes.length < 10 || bytes[0] != LAYOUT) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (in.getInt(bytes.length - 4) != crc(bytes, bytes.length - 4)) {
      return null;
    }
    try {
      in.get();
      int flags = in.get();
      int tokenCount = in.getInt();
      Embedding found = Embedding.ofTokens(tokenCount).withTruncated((flags & 8) != 0);
      if ((flags & 1) != 0) {
        found = found.withDense(floats(in, in.getInt()));
      }
      if ((flags & 2) != 0) {
        int[] ids = new int[in.getInt()];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = in.getInt();
        }
        found = found.withSparse(SparseVector.of(ids, floats(in, ids.length)));
      }
      if ((flags & 4) != 0) {
        int rows = in.getInt();
        int dimension = in.getInt();
        found = found.withColbert(MultiVector.of(dimension, floats(in, rows * dimension)));
      }
      return found;
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      return null;
    }
  }

  private static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  private static void put(ByteBuffer out, float[] values) {
    for (float value : values) {
      out.putFloat(value);
    }
  }

  private static float[] floats(ByteBuffer in, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = in.getFloat();
    }
    return values;
  }
}
