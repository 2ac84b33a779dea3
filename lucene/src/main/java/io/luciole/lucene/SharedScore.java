package io.luciole.lucene;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The largest k-th score of a segment's k best documents, over all segments that a search has been
 * at: no document with a smaller score is among the k best of all. Safe for use by many threads.
 */
final class SharedScore {
  /** The bits of a float that is not negative, which compare as the float does. */
  private final AtomicInteger bits = new AtomicInteger();

  /** The score; 0 at first. */
  float get() {
    return Float.intBitsToFloat(bits.get());
  }

  void raise(float score) {
    int candidate = Float.floatToIntBits(score);
    if (candidate > bits.get()) {
      bits.accumulateAndGet(candidate, Math::max);
    }
  }
}
