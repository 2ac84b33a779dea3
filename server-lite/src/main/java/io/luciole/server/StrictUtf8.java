package io.luciole.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;

/**
 * Looks whether bytes are UTF-8, as the JDK's decoder says, which takes no overlong sequence, no
 * half of a surrogate pair and nothing above U+10FFFF. The text is decoded a piece after another
 * and not kept.
 */
final class StrictUtf8 {
  private static final int PIECE = 8192;

  private StrictUtf8() {}

  /** Where the first byte is that is no part of a character; -1 if there is none. */
  static int firstInvalid(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    // UTF-8 has at least a byte for each char; a character may have two.
    CharBuffer out = CharBuffer.allocate(Math.min(PIECE, bytes.length + 1));
    CharsetDecoder decoder = UTF_8.newDecoder();
    CoderResult result = CoderResult.OVERFLOW;
    while (result.isOverflow()) {
      result = decoder.decode(in, out.clear(), true);
    }
    return result.isError() ? in.position() : -1;
  }
}
