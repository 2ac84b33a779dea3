package io.luciole.lucene;

import org.apache.lucene.util.Version;

/**
 * What needs which Lucene, checked where it is used. The class path of an application decides which
 * Lucene there is, so a version that is too old would otherwise show as a missing class.
 *
 * <p>Code that refers to what older versions lack stands in methods and nested classes that only
 * newer versions reach. The JVM links a class of Lucene's when it runs code that uses it; it links
 * earlier, at verification, where code passes an object off as a supertype.
 */
enum LuceneRange {
  /** Vectors in an application's own documents, queries, rescorers, searching. */
  FIELDS("Luciole", 10, 0, ""),
  /** {@link org.apache.lucene.search.TermScorer} with any {@code SimScorer}. */
  TERM_SCORERS("Skipping postings", 10, 1, ""),
  /** Reading the sizes of compound files. */
  SIZES("Describing an index", 10, 1, ""),
  /** Filters that keep the search of the graph to what matches. */
  FILTERED_GRAPHS("Searching graphs by a filter", 10, 2, ""),
  /** {@link org.apache.lucene.document.LateInteractionField}. */
  FLOAT_TOKEN_VECTORS(
      "Keeping token vectors as FLOAT32", 10, 3, ", or keep them as INT8, which needs 10.0"),
  /** The codec of a schema. */
  CODEC(
      "HybridIndexer, which writes by a codec,",
      10,
      4,
      ", or write by an IndexWriter of your own: VectorFields and HybridSearcher.over need 10.0"),
  /** {@link BlockPostingsFormat}, whose impacts earlier versions read by another interface. */
  BLOCKS("The postings format " + BlockPostingsFormat.NAME, 10, 4, ""),
  /** {@link ResidualFormat}, as {@link #CODEC}. */
  RESIDUALS("Keeping token vectors as RESIDUAL2", 10, 4, ", or keep them as INT8"),
  /** Graphs of quantised vectors. */
  QUANTIZED("Quantising dense vectors", 10, 5, ", or keep them as floats");

  private final String what;
  private final int major;
  private final int minor;
  private final String otherwise;

  LuceneRange(String what, int major, int minor, String otherwise) {
    this.what = what;
    this.major = major;
    this.minor = minor;
    this.otherwise = otherwise;
  }

  /** Whether the Lucene of the class path has it. */
  boolean isThere() {
    return covers(Version.LATEST);
  }

  boolean covers(Version found) {
    return found.major == major && found.minor >= minor;
  }

  /**
   * Refuses a Lucene that lacks it.
   *
   * @throws IndexException if it does
   */
  void require() {
    require(Version.LATEST);
  }

  void require(Version found) {
    if (!covers(found)) {
      throw new IndexException(
          what
              + " needs Lucene "
              + major
              + '.'
              + minor
              + " or a later "
              + major
              + ".x, found Lucene "
              + found
              + " on the class path. Put another lucene-core there"
              + otherwise
              + ".");
    }
  }

  /** Explains a class of the formats that this Lucene does not have (any more). */
  static IndexException withoutFormats(LinkageError missing) {
    return new IndexException(
        "Expected the index formats of Lucene 10.4 to 10.6, found Lucene "
            + Version.LATEST
            + ", whose lucene-core lacks one of them ("
            + missing.getMessage()
            + "). Use a Lucene of that range or a newer Luciole"
            + CODEC.otherwise
            + ".",
        missing);
  }
}
