package io.luciole;

import java.util.Locale;

/** The kinds of vectors that a model can compute for a text. */
public enum Output {
  /** One vector for the text, {@link Embedding#dense}. */
  DENSE,
  /** One weight for each distinct token, {@link Embedding#sparse}. */
  SPARSE,
  /** One vector for each token, {@link Embedding#colbert}. */
  COLBERT;

  /**
   * The name used in configuration and file formats.
   *
   * @return {@code dense}, {@code sparse} or {@code colbert}
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
