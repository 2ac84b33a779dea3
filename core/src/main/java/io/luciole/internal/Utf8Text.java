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
          "expected text in UTF-8, found other bytes in line " + line + ". " + advice(bytes));
    }
    String text = out.flip().toString();
    return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
  }

  /**
   * What to do with a file that is not UTF-8.
   *
   * @param start its first bytes, or those of a part of it
   */
  static String advice(byte[] start) {
    int first = start.length < 2 ? 0 : ((start[0] & 0xFF) << 8) | (start[1] & 0xFF);
    return switch (first) {
      case 0x1F8B -> "It is compressed by gzip: unpack it first, for instance with gunzip.";
      case 0xFFFE, 0xFEFF ->
          "It is in UTF-16: convert the file, for instance with: iconv -f utf-16 -t utf-8";
      default -> "Convert the file, for instance with: iconv -f latin1 -t utf-8";
    };
  }
}
