package io.luciole.cli;

import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.List;

/** Widths of text on a terminal, in columns; a Chinese character takes two. */
final class Columns {
  private Columns() {}

  /** The columns of a code point: 2 for wide ones, 0 for combining marks, otherwise 1. */
  static int width(int codePoint) {
    int type = Character.getType(codePoint);
    if (type == Character.NON_SPACING_MARK
        || type == Character.ENCLOSING_MARK
        || type == Character.FORMAT) {
      return 0;
    }
    if (codePoint < 0x1100) {
      return 1;
    }
    UnicodeScript script = UnicodeScript.of(codePoint);
    boolean wide =
        script == UnicodeScript.HAN
            || script == UnicodeScript.HIRAGANA
            || script == UnicodeScript.KATAKANA
            || script == UnicodeScript.HANGUL
            || (codePoint >= 0x3000 && codePoint <= 0x303F)
            || (codePoint >= 0xFF01 && codePoint <= 0xFF60)
            || (codePoint >= 0x1F300 && codePoint <= 0x1FAFF);
    return wide ? 2 : 1;
  }

  /** The columns of a text. */
  static int width(String text) {
    return text.codePoints().map(Columns::width).sum();
  }

  /** Breaks a text into lines of at most so many columns, at spaces where possible. */
  static List<String> wrap(String text, int columns) {
    List<String> lines = new ArrayList<>();
    int start = 0;
    int lastSpace = -1;
    int used = 0;
    for (int at = 0; at < text.length(); ) {
      int codePoint = text.codePointAt(at);
      if (codePoint == ' ') {
        lastSpace = at;
      }
      used += width(codePoint);
      if (used > columns && at > start) {
        boolean atSpace = lastSpace > start;
        lines.add(text.substring(start, atSpace ? lastSpace : at));
        start = atSpace ? lastSpace + 1 : at;
        // The character that did not fit may be the space at which the line was broken.
        used = start > at ? 0 : width(text.substring(start, at)) + width(codePoint);
        lastSpace = -1;
      }
      at += Character.charCount(codePoint);
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }
}
