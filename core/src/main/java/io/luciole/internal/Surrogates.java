package io.luciole.internal;

/** Looks for halves of surrogate pairs, which are no characters and have no bytes in UTF-8. */
public final class Surrogates {
  private Surrogates() {}

  /**
   * Finds the first half of a pair that stands alone.
   *
   * @param text any text
   * @return where it is, or -1 if all characters are whole
   */
  public static int halfAt(String text) {
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int found = text.codePointAt(i);
      if (found >= Character.MIN_SURROGATE && found <= Character.MAX_SURROGATE) {
        return i;
      }
    }
    return -1;
  }
}
