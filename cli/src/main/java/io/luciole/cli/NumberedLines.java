package io.luciole.cli;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a UTF-8 text and their numbers. Blank lines are passed over, a byte order mark at
 * the start is dropped. Not for use by several threads.
 */
final class NumberedLines implements Closeable {
  /** Longer than any text worth embedding; a file of other bytes must not fill the memory. */
  private static final int LONGEST = 64 << 20;

  private final InputStream in;
  private final String name;
  private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int end;
  private byte[] line = new byte[1 << 12];
  private long number;

  /**
   * Reads a stream.
   *
   * @param name what messages call it: a file's name, or "standard input"
   */
  NumberedLines(InputStream in, String name) {
    this.in = in;
    this.name = name;
  }

  /**
   * The next line that is not blank, without its end, or null after the last.
   *
   * @throws CliException if it is not UTF-8, or far too long
   */
  @Nullable String next() throws IOException {
    while (true) {
      int length = readLine();
      if (length < 0) {
        return null;
      }
      String text = decode(length);
      if (number == 1 && text.startsWith("\uFEFF")) {
        text = text.substring(1);
      }
      if (!text.isBlank()) {
        return text;
      }
    }
  }

  private int readLine() throws IOException {
    int length = 0;
    while (true) {
      if (at == end) {
        at = 0;
        end = Math.max(0, in.read(buffer));
        if (end == 0) {
          number += length > 0 ? 1 : 0;
          return length > 0 ? length : -1;
        }
      }
      int stop = at;
      while (stop < end && buffer[stop] != '\n') {
        stop++;
      }
      int more = stop - at;
      if (length + more > line.length) {
        if (length + more > LONGEST) {
          number++;
          throw new CliException(
              where()
                  + ": expected a line of at most 64 MiB, found a longer one; is this JSON lines?");
        }
        line = Arrays.copyOf(line, Math.max(2 * line.length, length + more));
      }
      System.arraycopy(buffer, at, line, length, more);
      length += more;
      at = stop;
      if (stop < end) {
        at++;
        number++;
        return length;
      }
    }
  }

  private String decode(int length) {
    ByteBuffer bytes = ByteBuffer.wrap(line, 0, length);
    try {
      return utf8.decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new CliException(
          where()
              + ": expected UTF-8, found other bytes from byte "
              + (bytes.position() + 1)
              + " of the line on. Convert the file, for instance with: iconv -f latin1 -t utf-8",
          e);
    }
  }

  /** The last line's place, for messages. */
  String where() {
    return name + ", line " + number;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
