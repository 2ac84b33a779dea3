package io.luciole.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.util.Locale;

/** The percent-encoded bytes of a request's target, which are those of UTF-8. */
final class PercentEncoding {
  private PercentEncoding() {}

  /**
   * Refuses bytes that are no UTF-8: decoded, all of them would be the same character, and ids that
   * differ would be one.
   *
   * @param raw a part of the target as it was sent
   * @param where the name of that part in messages
   * @throws Problem if there are such bytes, with the first of them
   */
  static void requireUtf8(String raw, String where) {
    ByteBuffer bytes = ByteBuffer.wrap(bytes(raw));
    // UTF-8 has at least a byte for each char.
    CharBuffer decoded = CharBuffer.allocate(bytes.remaining());
    if (UTF_8.newDecoder().decode(bytes, decoded, true).isError()) {
      String found = String.format(Locale.ROOT, "%%%02X", bytes.get(bytes.position()));
      throw Problem.invalid(
          null,
          "Expected percent-encoded UTF-8 in the "
              + where
              + ", found the byte "
              + found
              + ", which is no part of a character there.");
    }
  }

  private static byte[] bytes(String raw) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      int high = c == '%' && i + 2 < raw.length() ? Character.digit(raw.charAt(i + 1), 16) : -1;
      int low = high < 0 ? -1 : Character.digit(raw.charAt(i + 2), 16);
      if (low >= 0) {
        bytes.write((high << 4) | low);
        i += 2;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toByteArray();
  }
}
