package io.luciole;

import static java.util.Objects.requireNonNull;

/**
 * What was embedded, and its embedding.
 *
 * @param <T> what the text was taken from, such as a record or a document
 * @param source the item whose text was embedded
 * @param embedding the text's embedding
 */
public record Embedded<T>(T source, Embedding embedding) {
  /** Checks the components. */
  public Embedded {
    requireNonNull(source, "source");
    requireNonNull(embedding, "embedding");
  }
}
