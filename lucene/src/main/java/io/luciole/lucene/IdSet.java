package io.luciole.lucene;

import java.nio.charset.StandardCharsets;
import org.apache.lucene.util.StringHelper;

/**
 * A set of ids by 64-bit hashes, 8 to 16 bytes each. It never forgets an id; among n ids it takes a
 * new one for known with probability n / 2^64, which costs a needless look for the old document and
 * a wrong count, nothing else. Safe for use by many threads.
 */
final class IdSet {
  private static final int SEED = 0x10C101E;

  private long[] slots = new long[1024];
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

  /** The slot that holds a hash or, if none does, would. */
  private int slot(long hash) {
    int slot = (int) hash & (slots.length - 1);
    while (slots[slot] != 0 && slots[slot] != hash) {
      slot = (slot + 1) & (slots.length - 1);
    }
    return slot;
  }

  private static long hash(String id) {
    byte[] bytes = id.getBytes(StandardCharsets.UTF_8);
    long hash = StringHelper.murmurhash3_x64_128(bytes, 0, bytes.length, SEED)[0];
    return hash == 0 ? 1 : hash; // 0 marks an empty slot.
  }
}
