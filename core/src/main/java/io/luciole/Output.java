package io.luciole;

import java.util.Locale;

/** The kinds of vectors a model can give for a text. */
public enum Output {
  /** One vector a text, {@link Embedding#dense}. */
  DENSE,
  /** One weight for each distinct token, {@link Embedding#sparse}. */
  SPARSE,
  /** One vector a token, {@link Embedding#colbert}. */
  COLBERT;

  /**
   * The name used in configuration and file formats: {@code dense}, {@code sparse}, {@code
   * colbert}.
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
