package io.luciole.lucene;

import io.luciole.SparseVector;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.lucene.store.ByteArrayDataInput;
import org.apache.lucene.store.ByteBuffersDataOutput;
import org.apache.lucene.util.BitUtil;
import org.apache.lucene.util.BytesRef;

/**
 * A sparse vector as bytes.
 *
 * <pre>
 * size     vint
 * ids      size × vint    each the difference to the one before, the first to 0
 * weights  size × int     floats' bits, little-endian
 * </pre>
 */
final class SparseBytes {
  private SparseBytes() {}

  static BytesRef encode(SparseVector vector) {
    ByteBuffersDataOutput out = new ByteBuffersDataOutput();
    try {
      out.writeVInt(vector.size());
      int before = 0;
      for (int i = 0; i < vector.size(); i++) {
        out.writeVInt(vector.id(i) - before);
        before = vector.id(i);
      }
      for (int i = 0; i < vector.size(); i++) {
        out.writeInt(Float.floatToRawIntBits(vector.weight(i)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Memory does not fail.
    }
    return new BytesRef(out.toArrayCopy());
  }

  static SparseVector decode(BytesRef bytes) {
    ByteArrayDataInput in = new ByteArrayDataInput(bytes.bytes, bytes.offset, bytes.length);
    int size = in.readVInt();
    int[] ids = new int[size];
    int before = 0;
    for (int i = 0; i < size; i++) {
      before += in.readVInt();
      ids[i] = before;
    }
    float[] weights = new float[size];
    for (int i = 0; i < size; i++) {
      weights[i] = Float.intBitsToFloat(in.readInt());
    }
    return SparseVector.of(ids, weights);
  }

  /**
   * The sum over the shared ids of the products of the weights, as {@link SparseVector#dot} has it.
   */
  static float dot(SparseVector query, BytesRef bytes) {
    ByteArrayDataInput in = new ByteArrayDataInput(bytes.bytes, bytes.offset, bytes.length);
    int size = in.readVInt();
    int weights = bytes.offset + bytes.length - size * Float.BYTES;
    double sum = 0;
    int id = 0;
    for (int i = 0, q = 0; i < size; i++) {
      id += in.readVInt();
      while (q < query.size() && query.id(q) < id) {
        q++;
      }
      if (q == query.size()) {
        break;
      }
      if (query.id(q) == id) {
        int bits = (int) BitUtil.VH_LE_INT.get(bytes.bytes, weights + i * Float.BYTES);
        sum += (double) query.weight(q++) * Float.intBitsToFloat(bits);
      }
    }
    return (float) sum;
  }
}
