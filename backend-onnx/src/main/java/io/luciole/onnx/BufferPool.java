package io.luciole.onnx;

import io.luciole.spi.BackendOutOfMemoryException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Direct buffers in native byte order, reused: the JVM gives direct memory back only when the
 * garbage collector gets round to it. Safe for use by many threads.
 *
 * <p>Capacities are powers of two, so that batches of different sizes share buffers. At most {@link
 * #KEPT} idle buffers are kept; the oldest goes first.
 */
final class BufferPool {
  private static final int KEPT = 16;
  private static final int SMALLEST = 1 << 12;

  /** How much larger than asked for a buffer may be; the others wait for the batch they fit. */
  private static final long SLACK = 8;

  private final List<ByteBuffer> idle = new ArrayList<>();

  /**
   * A buffer with this many bytes between position 0 and limit. Its content is undefined.
   *
   * @throws BackendOutOfMemoryException if that is more than a buffer can have or the JVM may take
   */
  ByteBuffer take(long bytes) {
    if (bytes < 0 || bytes > Integer.MAX_VALUE) {
      throw new BackendOutOfMemoryException(
          "The batch needs a buffer of " + bytes + " bytes, more than the 2 GiB one can have.");
    }
    long rounded = Math.max(bytes, SMALLEST);
    synchronized (idle) {
      int best = -1;
      for (int i = 0; i < idle.size(); i++) {
        int capacity = idle.get(i).capacity();
        if (capacity >= bytes
            && capacity <= SLACK * rounded
            && (best < 0 || capacity < idle.get(best).capacity())) {
          best = i;
        }
      }
      if (best >= 0) {
        return idle.remove(best).clear().limit((int) bytes);
      }
    }
    long capacity = Long.highestOneBit(rounded * 2 - 1);
    try {
      return ByteBuffer.allocateDirect((int) Math.min(capacity, Integer.MAX_VALUE))
          .order(ByteOrder.nativeOrder())
          .limit((int) bytes);
    } catch (OutOfMemoryError e) {
      throw new BackendOutOfMemoryException(
          "The JVM has no "
              + bytes
              + " bytes of direct memory left for a batch; -XX:MaxDirectMemorySize raises its"
              + " limit.",
          e);
    }
  }

  /** Takes a buffer back; the caller must not touch it again. */
  void give(ByteBuffer buffer) {
    synchronized (idle) {
      idle.add(buffer);
      if (idle.size() > KEPT) {
        idle.remove(0);
      }
    }
  }
}
