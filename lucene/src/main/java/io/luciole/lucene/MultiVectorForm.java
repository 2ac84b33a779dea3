package io.luciole.lucene;

import java.util.Locale;

/** How token vectors are kept, one row a token, for scoring the best hits again. */
public enum MultiVectorForm {
  /** Lucene's {@link org.apache.lucene.document.LateInteractionField}: 4 bytes a component. */
  FLOAT32,
  /** 1 byte a component and 4 a row: each row scaled by its largest component. */
  INT8;

  /** The name used in options and formats. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
