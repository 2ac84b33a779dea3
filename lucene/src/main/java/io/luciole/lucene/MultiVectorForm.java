package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.EnumNames;
import java.util.Locale;

/** How token vectors, one row a token, are kept for reranking. */
public enum MultiVectorForm {
  /** Lucene's {@link org.apache.lucene.document.LateInteractionField}: 4 bytes a component. */
  FLOAT32,
  /** 1 byte a component and 4 bytes a row: each row is scaled by its largest component. */
  INT8,
  /**
   * 2 bits a component and 5 bytes a row, beside the nearest of 256 centroids that each segment
   * learns from its rows: a quarter of the room of {@link #INT8}, for scores that are off by more.
   * A segment with few rows keeps them as {@link #INT8} until it is merged into a larger one.
   * Written by the format {@link ResidualFormat}, so that whatever reads or merges the index needs
   * this module on its class path.
   */
  RESIDUAL2;

  /** {@return the name used in options and formats} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a name.
   *
   * @param name a form's {@link #id}, in any case
   * @return the form
   * @throws IllegalArgumentException if there is no such form
   */
  public static MultiVectorForm parse(String name) {
    return EnumNames.parse(values(), MultiVectorForm::id, requireNonNull(name, "name"));
  }
}
