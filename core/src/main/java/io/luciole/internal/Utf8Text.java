package io.luciole.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads small text files in UTF-8, with or without a byte order mark. */
public final class Utf8Text {
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private Utf8Text() {}

  /**
   * Reads a whole file.
   *
   * @param file the file
   * @return its text, without a byte order mark at the start
   * @throws IOException if the file cannot be read or is not UTF-8; then the message names the line
   */
  public static String read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    // No character takes fewer bytes than it has UTF-16 units.
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
    if (result.isError()) {
      long line = 1;
      for (int i = 0; i < in.position(); i++) {
        line += bytes[i] == '\n' ? 1 : 0;
      }
      throw new IOException(
          "expected text in UTF-8, found other bytes in line "
              + line
              + ". Convert the file, for instance with iconv -t utf-8.");
    }
    String text = out.flip().toString();
    return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
  }
}
