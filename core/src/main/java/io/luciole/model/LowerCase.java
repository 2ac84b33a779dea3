package io.luciole.model;

import java.util.Arrays;

/** Texts in lower case, as the tokenizers library makes it, and the places in them. */
final class LowerCase {
  /** The only character whose lower case is two: an i and a dot above. */
  private static final int DOTTED_I = 0x130;

  private LowerCase() {}

  /**
   * The text in lower case, each code point by itself: a sigma at a word's end is as any other.
   *
   * @param text well-formed UTF-16
   */
  static String of(String text) {
    return text.replace("\u0130", "i\u0307")
        .codePoints()
        .map(Character::toLowerCase)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  /**
   * Where each code point of what is read of a text comes from.
   *
   * @param text well-formed UTF-16
   * @param lowerCase whether {@link #of} the text is read, and not the text itself
   * @return for each code point that is read the place at which its character starts in the text,
   *     in {@code char}s; and at the end the length of the text
   */
  static int[] places(String text, boolean lowerCase) {
    int[] places = new int[2 * text.length() + 1];
    int count = 0;
    int at = 0;
    while (at < text.length()) {
      int point = text.codePointAt(at);
      places[count++] = at;
      if (lowerCase && point == DOTTED_I) {
        places[count++] = at;
      }
      at += Character.charCount(point);
    }
    places[count++] = text.length();
    return Arrays.copyOf(places, count);
  }
}
