package io.luciole.model;

/**
 * How to tell by its tokens whether a model knows the language of a text. A tokenizer needs few
 * tokens for the letters of the languages that it was made for, and up to one a letter for others.
 * Only a model of few languages needs this: one that knows all languages is equally good at texts
 * that its tokenizer cuts finely.
 *
 * @param known the tokens a letter up to which the model knows a text well, above 0
 * @param foreign the tokens a letter from which on it does not know a text, above {@code known}
 */
public record Familiarity(double known, double foreign) {
  /** Checks the components. */
  public Familiarity {
    if (!(known > 0 && foreign > known && foreign < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "expected 0 < known < foreign tokens a letter, got " + known + " and " + foreign);
    }
  }

  /**
   * Tells how well the model knows a text.
   *
   * @param tokens the number of the text's tokens, without special ones
   * @param letters the number of its characters that are not white space, at least 1
   * @return from 0, not at all, to 1, well; linear in the tokens a letter between the bounds
   * @throws IllegalArgumentException if a number is out of range
   */
  public double of(int tokens, int letters) {
    if (tokens < 0 || letters < 1) {
      throw new IllegalArgumentException(
          "expected 0 tokens or more and 1 letter or more, got " + tokens + " and " + letters);
    }
    double density = (double) tokens / letters;
    return Math.clamp((foreign - density) / (foreign - known), 0, 1);
  }
}
