package io.luciole.lucene;

/** Words of an index that an earlier version made, where today's are asked for. */
final class EarlierWords {
  private EarlierWords() {}

  /**
   * The schema that is asked for, with the words of the schema that an index has if those differ by
   * the version that made them only: the first {@code multilingual}, no words of titles. The index
   * keeps them; whatever else differs stays for the caller to find.
   */
  static HybridSchema kept(HybridSchema asked, HybridSchema has) {
    HybridSchema.Words today = asked.words();
    HybridSchema.Words found = has.words();
    boolean earlierAnalyzer =
        today.analyzer().equals(Analyzers.MULTILINGUAL)
            && found.analyzer().equals(Analyzers.FIRST_MULTILINGUAL);
    String analyzer = earlierAnalyzer ? found.analyzer() : today.analyzer();
    boolean titles = today.titles() && found.titles();
    HybridSchema.Words earlier = new HybridSchema.Words(analyzer, today.k1(), today.b(), titles);
    return !found.equals(earlier)
        ? asked
        : new HybridSchema(
            asked.dense().orElse(null),
            asked.sparse().orElse(null),
            asked.multiVectors().orElse(null),
            found,
            asked.chunks().orElse(null),
            asked.metadata());
  }
}
