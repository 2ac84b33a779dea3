package io.luciole;

/**
 * How much may wait by default, so that texts alone never fill the heap. Of the JVM's largest heap,
 * the waiting texts of each of the two lanes may take an eighth: one half of it for the objects of
 * texts, whatever their length, and the other for their tokens. Results that a stream has read
 * ahead may take another eighth.
 *
 * <p>A text that waits, with a dependent on its future, was measured at 215 bytes, and at 270 with
 * its string, which goes when the text is tokenised; its characters and tokens not counted. A token
 * takes 4 bytes, and before that its characters 4, or 8 where a string has two bytes for each. So
 * until a text is tokenised, it counts by all its characters, however few tokens the model takes.
 */
final class HeapBounds {
  /** The largest number of tokens that wait in a lane by default: more make no batch better. */
  static final long MOST_TOKENS = 1L << 22;

  /** The bytes of a waiting text, apart from its tokens. */
  static final int TEXT_BYTES = 320;

  /** The bytes of a waiting token. */
  static final int TOKEN_BYTES = 8;

  private static final long MOST_STREAM_BYTES = 256L << 20;

  /** Shares of the heap: those of the objects and of the tokens of one lane. */
  private static final int LANE_SHARES = 16;

  private static final int STREAM_SHARES = 8;

  private HeapBounds() {}

  /**
   * The largest number of tokens that may wait in a lane.
   *
   * @param heap the largest size of the heap in bytes, {@link Runtime#maxMemory}
   */
  static long waitingTokens(long heap) {
    return Math.clamp(heap / LANE_SHARES / TOKEN_BYTES, 1, MOST_TOKENS);
  }

  /**
   * The largest number of texts that may wait in a lane.
   *
   * @param heap the largest size of the heap in bytes
   */
  static long waitingTexts(long heap) {
    return Math.max(1, heap / LANE_SHARES / TEXT_BYTES);
  }

  /**
   * The largest number of bytes of the texts and results that a stream has in progress.
   *
   * @param heap the largest size of the heap in bytes
   */
  static long streamBytes(long heap) {
    return Math.clamp(heap / STREAM_SHARES, 1, MOST_STREAM_BYTES);
  }
}
