package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

/**
 * A piece of a document's text.
 *
 * @param start where it starts in the text, in {@code char}s
 * @param end where it ends, exclusive
 * @param text the piece itself
 */
public record Passage(int start, int end, String text) {
  /** Checks the components. */
  public Passage {
    requireNonNull(text, "text");
  }
}
