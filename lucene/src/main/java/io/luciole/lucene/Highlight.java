package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Locale;

/**
 * A piece of a hit's title or text that matched a query; see {@link Highlighter}.
 *
 * @param field where the piece stands
 * @param start where it starts in the field, in UTF-16 units
 * @param end where it ends, exclusive
 * @param weight how much it counts, above 0 to 1, relative to the strongest piece of all hits that
 *     the same leg found
 * @param leg what matched: {@link Leg#BM25} a word, {@link Leg#SPARSE} a token of the model
 */
public record Highlight(Field field, int start, int end, double weight, Leg leg) {
  /** A stored field that is highlighted. */
  public enum Field {
    /** The title. */
    TITLE,
    /** The text. */
    TEXT;

    /**
     * The field's name in formats.
     *
     * @return {@code title} or {@code text}
     */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks the components. */
  public Highlight {
    requireNonNull(field, "field");
    requireNonNull(leg, "leg");
  }
}
