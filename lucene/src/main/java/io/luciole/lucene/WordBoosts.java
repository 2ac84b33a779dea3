package io.luciole.lucene;

/**
 * What a word counts in the leg {@link Leg#BM25}, by where it stands. A document's score is {@code
 * text} times the BM25 of its title and text together, plus {@code title} times the BM25 of its
 * title alone.
 *
 * @param text what a word of title or text counts, 0 or more and finite; 0 for titles alone
 * @param title what a word of the title counts on top of that, 0 or more and finite
 */
public record WordBoosts(double text, double title) {
  /** Titles and texts as one, the default. */
  public static final WordBoosts NONE = new WordBoosts(1, 0);

  /** Checks the components. */
  public WordBoosts {
    check("text", text);
    check("title", title);
    if (text == 0 && title == 0) {
      throw new IllegalArgumentException("expected a boost above 0, got 0 for text and for title");
    }
  }

  private static void check(String name, double boost) {
    // Lucene multiplies in 32 bits.
    if (!(boost >= 0 && (float) boost < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "expected a boost of 0 or more for the " + name + ", got " + boost);
    }
  }
}
