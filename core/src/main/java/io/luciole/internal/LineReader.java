package io.luciole.internal;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a UTF-8 text and their numbers. Lines end with a line feed; the last may have none,
 * and a carriage return before it is part of the line. A line that cannot be read costs no other:
 * the next call goes on behind it. No more than one line is in memory. Not for use by several
 * threads.
 */
public final class LineReader implements Closeable {
  /** The limit unless told otherwise, in bytes: longer than any text worth embedding. */
  public static final int LIMIT = 64 << 20;

  private static final byte[] NO_BYTES = {};

  private final InputStream in;
  private final String name;
  private final int limit;
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int end;
  private byte[] line = new byte[1 << 12];
  private long number;
  private long bytesRead;

  /** Whether the rest of a line that was too long is yet to be passed over. */
  private boolean inLongLine;

  /** A line that cannot be read; the lines behind it can. */
  public static final class BadLineException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String message;

    BadLineException(String message, @Nullable Throwable cause) {
      super(message, cause);
      this.message = message;
    }

    @Override
    public String getMessage() {
      return message;
    }
  }

  /**
   * Reads a stream, with the usual limit on a line.
   *
   * @param in not buffered further; closed by {@link #close}
   * @param name what messages call the stream: a file's name, or "standard input"
   */
  public LineReader(InputStream in, String name) {
    this(in, name, LIMIT);
  }

  /**
   * Reads a stream.
   *
   * @param limit the most bytes that a line may have, its end not counted
   */
  public LineReader(InputStream in, String name, int limit) {
    this.in = in;
    this.name = name;
    this.limit = limit;
  }

  /**
   * The next line that is not blank, without its end and, at the start of the stream, without a
   * byte order mark; or null after the last.
   *
   * @throws BadLineException if the line is longer than the limit or is not UTF-8; the message
   *     names it
   * @throws IOException if the stream fails
   */
  public @Nullable String next() throws IOException {
    for (int length = readLine(); length >= 0; length = readLine()) {
      String text = decode(length);
      if (number == 1 && text.startsWith("\uFEFF")) {
        text = text.substring(1);
      }
      if (!text.isBlank()) {
        return text;
      }
    }
    return null;
  }

  /**
   * The bytes of the next line, which may be blank, as they are in the stream; or null after the
   * last.
   *
   * @throws BadLineException if the line is longer than the limit; the message names it
   * @throws IOException if the stream fails
   */
  public byte @Nullable [] nextBytes() throws IOException {
    int length = readLine();
    return length < 0 ? null : Arrays.copyOf(line, length);
  }

  /** The number of the line that was read last, or could not be read, from 1. */
  public long number() {
    return number;
  }

  /** The bytes of all lines up to that one, or of its part that was read. */
  public long bytesRead() {
    return bytesRead;
  }

  /** The name of the stream and the number of the last line, for messages. */
  public String where() {
    return name + ", line " + number;
  }

  /** Reads a line into {@link #line} and gives its length, or -1 at the end of the stream. */
  private int readLine() throws IOException {
    skipRestOfLongLine();
    int length = 0;
    while (fill()) {
      int stop = stop();
      int count = stop - at;
      if (count > limit - length) {
        number++;
        inLongLine = true;
        throw new BadLineException(
            where()
                + ": expected a line of at most "
                + (limit % (1 << 20) == 0 ? (limit >> 20) + " MiB" : limit + " bytes")
                + ", found a longer one; is this JSON lines?",
            null);
      }
      if (length + count > line.length) {
        line = Arrays.copyOf(line, Math.min(limit, Math.max(2 * line.length, length + count)));
      }
      System.arraycopy(buffer, at, line, length, count);
      length += count;
      if (consume(stop)) {
        number++;
        return length;
      }
    }
    number += length > 0 ? 1 : 0;
    return length > 0 ? length : -1;
  }

  private void skipRestOfLongLine() throws IOException {
    while (inLongLine && fill()) {
      inLongLine = !consume(stop());
    }
  }

  /** Whether there are bytes in the buffer, after reading some if there were none. */
  private boolean fill() throws IOException {
    if (at == end) {
      at = 0;
      end = Math.max(0, in.read(buffer));
    }
    return at < end;
  }

  /** Where in the buffer the line ends, or the buffer does. */
  private int stop() {
    int stop = at;
    while (stop < end && buffer[stop] != '\n') {
      stop++;
    }
    return stop;
  }

  /** Goes on behind a place that {@link #stop} gave; true if the line ended there. */
  private boolean consume(int stop) {
    boolean ends = stop < end;
    int next = ends ? stop + 1 : stop;
    bytesRead += next - at;
    at = next;
    return ends;
  }

  private String decode(int length) throws BadLineException {
    ByteBuffer bytes = ByteBuffer.wrap(line, 0, length);
    try {
      return decode(bytes);
    } catch (CharacterCodingException e) {
      throw new BadLineException(
          where()
              + ": expected UTF-8, found other bytes from byte "
              + (bytes.position() + 1)
              + " of the line on. "
              + (number == 1 ? Utf8Text.advice(line) : Utf8Text.advice(NO_BYTES)),
          e);
    }
  }

  /**
   * Decodes UTF-8 strictly.
   *
   * @throws CharacterCodingException if the bytes are not UTF-8; the buffer's position is then that
   *     of the first byte that is not
   */
  public static String decode(ByteBuffer bytes) throws CharacterCodingException {
    // A new decoder reports what it cannot decode; String's constructor would replace it.
    return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
