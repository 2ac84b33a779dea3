package io.luciole.lucene.eval;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;

/**
 * Ids in TREC's files, whose columns are separated by white space. An id without white space stands
 * there as it is. In one with white space, that and each {@code %} are written as in a URL, in
 * UTF-8: {@code my notes.txt} as {@code my%20notes.txt}.
 */
final class TrecIds {
  /** The order of trec_eval, which compares the bytes of ids. */
  static final Comparator<String> BY_BYTES =
      (a, b) ->
          Arrays.compareUnsigned(
              a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

  private TrecIds() {}

  /** An id as a column. */
  static String escape(String id) {
    if (id.codePoints().noneMatch(TrecIds::isBlank)) {
      return id;
    }
    StringBuilder column = new StringBuilder();
    id.codePoints()
        .forEach(codePoint -> {
          String one = Character.toString(codePoint);
          column.append(isBlank(codePoint) || codePoint == '%' ? percent(one) : one);
        });
    return column.toString();
  }

  /** What some tools take for white space, others not, is escaped as well. */
  private static boolean isBlank(int codePoint) {
    return Character.isWhitespace(codePoint)
        || Character.isSpaceChar(codePoint)
        || Character.isISOControl(codePoint);
  }

  private static String percent(String text) {
    StringBuilder escaped = new StringBuilder();
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      escaped.append('%').append(HexFormat.of().withUpperCase().toHexDigits(each));
    }
    return escaped.toString();
  }

  /** The id that {@link #escape} made a column of, or the column itself if it holds no escapes. */
  static String unescape(String column) {
    if (column.indexOf('%') < 0) {
      return column;
    }
    ByteArrayOutputStream id = new ByteArrayOutputStream();
    byte[] bytes = column.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] != '%') {
        id.write(bytes[i]);
      } else if (i + 2 < bytes.length
          && HexFormat.isHexDigit(bytes[i + 1])
          && HexFormat.isHexDigit(bytes[i + 2])) {
        id.write(16 * HexFormat.fromHexDigit(bytes[i + 1]) + HexFormat.fromHexDigit(bytes[i + 2]));
        i += 2;
      } else {
        return column;
      }
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(id.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      return column; // Not escaped by us.
    }
  }
}
