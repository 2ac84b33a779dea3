package io.luciole.lucene;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.internal.Sha256;
import java.nio.ByteBuffer;

/**
 * A set of ids as 64-bit hashes: 11 to 22 bytes an id. Among n ids it takes a new one for a known
 * one with probability n / 2^64; {@link KnownIds} uses it so that the only costs are a needless
 * search for an old document and a wrong count. Safe for use by many threads.
 */
final class SeenIds {
  @GuardedBy("this")
  private long[] slots = new long[1024];

  @GuardedBy("this")
  private int size;

  /** Adds an id; false if it was there. */
  synchronized boolean add(String id) {
    if (size >= slots.length / 4 * 3) {
      long[] old = slots;
      slots = new long[Math.multiplyExact(old.length, 2)];
      for (long hash : old) {
        if (hash != 0) {
          slots[slot(hash)] = hash;
        }
      }
    }
    long hash = hash(id);
    int slot = slot(hash);
    if (slots[slot] == hash) {
      return false;
    }
    slots[slot] = hash;
    size++;
    return true;
  }

  /** Whether an id is in the set. */
  synchronized boolean contains(String id) {
    long hash = hash(id);
    return slots[slot(hash)] == hash;
  }

  /** Removes an id; false if it was not there. */
  synchronized boolean remove(String id) {
    long hash = hash(id);
    int hole = slot(hash);
    if (slots[hole] != hash) {
      return false;
    }
    int mask = slots.length - 1;
    for (int next = (hole + 1) & mask; slots[next] != 0; next = (next + 1) & mask) {
      int home = (int) slots[next] & mask;
      // A hash may stand in the hole unless its search starts behind it.
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        slots[hole] = slots[next];
        hole = next;
      }
    }
    slots[hole] = 0;
    size--;
    return true;
  }

  /** The slot that holds a hash or, if none does, would. */
  @GuardedBy("this")
  private int slot(long hash) {
    int slot = (int) hash & (slots.length - 1);
    while (slots[slot] != 0 && slots[slot] != hash) {
      slot = (slot + 1) & (slots.length - 1);
    }
    return slot;
  }

  private static long hash(String id) {
    long hash = ByteBuffer.wrap(Sha256.of(id)).getLong();
    return hash == 0 ? 1 : hash; // 0 marks an empty slot.
  }
}
