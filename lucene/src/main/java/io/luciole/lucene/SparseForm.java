package io.luciole.lucene;

import java.util.Locale;

/** How sparse weights become postings. */
public enum SparseForm {
  /**
   * One term a token id, with the weight times a scale, rounded, as its frequency. Smaller and
   * faster, and off by at most half of one scale step.
   */
  IMPACTS,
  /**
   * Lucene's {@link org.apache.lucene.document.FeatureField}, a feature named by the token id in
   * decimal: for indexes that others read. Keeps 9 significant bits.
   */
  FEATURES;

  /** The name used in options and formats. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
