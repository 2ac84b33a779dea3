package io.luciole.lucene;

/** Words of an index that an earlier version made, where today's are asked for. */
final class EarlierWords {
  private EarlierWords() {}

  /**
   * The words that are asked for, or those that an index has if they differ by the version that
   * made them only: the first {@code multilingual}, no words of titles. The index keeps them.
   */
  static HybridSchema.Words kept(HybridSchema.Words asked, HybridSchema.Words has) {
    boolean earlierAnalyzer =
        asked.analyzer().equals(Analyzers.MULTILINGUAL)
            && has.analyzer().equals(Analyzers.FIRST_MULTILINGUAL);
    HybridSchema.Words earlier =
        new HybridSchema.Words(
            earlierAnalyzer ? has.analyzer() : asked.analyzer(),
            asked.k1(),
            asked.b(),
            asked.titles() && has.titles());
    return has.equals(earlier) ? has : asked;
  }
}
