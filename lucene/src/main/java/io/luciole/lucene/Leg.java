package io.luciole.lucene;

import java.util.Locale;

/** The ways in which a hybrid query looks for documents; each gives a ranked list of its own. */
public enum Leg {
  /** Nearest dense vectors; the score is their dot product. */
  DENSE,
  /** Shared tokens by the model's weights; the score is the sum of the products. */
  SPARSE,
  /** Shared words; the score is BM25. */
  BM25;

  /** The name used in options and formats: {@code dense}, {@code sparse}, {@code bm25}. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
