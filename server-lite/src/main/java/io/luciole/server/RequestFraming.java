package io.luciole.server;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a connection's bytes into requests as RFC 9112 frames them, and hands them on in pieces of
 * which none crosses the end of a head or of a body. So whoever reads a head has read nothing of
 * its body yet, and says then by {@link #length} or {@link #chunked} how that is framed.
 *
 * <p>A chunked body is handed on in small chunks of its own, without extensions and trailers, which
 * mean nothing to this server. So no reader has to hold a chunk as large as its sender says, and
 * what is no chunk is refused here. Used by one thread at a time.
 */
final class RequestFraming {
  /** Most bytes of the line before a chunk, and of all trailers. */
  private static final int MAX_LINE = 8 << 10;

  private static final byte[] HEAD_END = {'\r', '\n', '\r', '\n'};
  private static final byte[] LAST_CHUNK = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private enum Part {
    HEAD,
    BODY_OF_LENGTH,
    CHUNK_SIZE,
    CHUNK,
    CHUNK_END,
    TRAILERS
  }

  private final ArrayDeque<byte[]> arrived = new ArrayDeque<>();
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private Part part = Part.HEAD;
  private int at;
  private int headEnd;
  private long left;
  private int trailerBytes;

  /** The head that was handed on has a body of so many bytes. */
  void length(long bytes) {
    left = bytes;
    part = bytes > 0 ? Part.BODY_OF_LENGTH : Part.HEAD;
  }

  /** The head that was handed on has a body in chunks. */
  void chunked() {
    part = Part.CHUNK_SIZE;
  }

  /** Whether what comes next is a request's head, and not the rest of a body. */
  boolean isHead() {
    return part == Part.HEAD;
  }

  /** Adds bytes that have arrived; they are not copied. */
  void add(byte[] bytes) {
    arrived.add(bytes);
  }

  /**
   * The next bytes to hand on, or null if more must arrive first.
   *
   * @throws Problem if a chunked body is malformed; nothing after it can be read
   */
  byte @Nullable [] next() {
    byte[] next = null;
    while (next == null && hasArrived()) {
      next =
          switch (part) {
            case HEAD -> head();
            case BODY_OF_LENGTH -> bodyOfLength();
            case CHUNK_SIZE -> chunkSize();
            case CHUNK -> chunk();
            case CHUNK_END -> chunkEnd();
            case TRAILERS -> trailers();
          };
    }
    return next;
  }

  private boolean hasArrived() {
    while (!arrived.isEmpty() && at == arrived.getFirst().length) {
      arrived.removeFirst();
      at = 0;
    }
    return !arrived.isEmpty();
  }

  /** So many of the bytes that have arrived first, or fewer. */
  private byte[] take(long most) {
    byte[] first = arrived.getFirst();
    int end = (int) Math.min(first.length, at + most);
    byte[] taken = at == 0 && end == first.length ? first : Arrays.copyOfRange(first, at, end);
    at = end;
    return taken;
  }

  private byte[] head() {
    byte[] first = arrived.getFirst();
    int end = at;
    while (end < first.length && headEnd < HEAD_END.length) {
      byte b = first[end++];
      headEnd = b == HEAD_END[headEnd] ? headEnd + 1 : b == '\r' ? 1 : 0;
    }
    if (headEnd == HEAD_END.length) {
      headEnd = 0;
    }
    return take(end - at);
  }

  private byte[] bodyOfLength() {
    byte[] taken = take(left);
    left -= taken.length;
    if (left == 0) {
      part = Part.HEAD;
    }
    return taken;
  }

  private byte @Nullable [] chunkSize() {
    String text = line();
    if (text != null) {
      left = size(text);
      part = left > 0 ? Part.CHUNK : Part.TRAILERS;
    }
    return null;
  }

  private static long size(String line) {
    int end = line.indexOf(';');
    String digits = (end < 0 ? line : line.substring(0, end)).stripTrailing();
    // Fifteen digits are a petabyte, and no overflow.
    if (!digits.matches("[0-9A-Fa-f]{1,15}")) {
      throw malformed("the size of a chunk in up to 15 hexadecimal digits");
    }
    return Long.parseLong(digits, 16);
  }

  private byte[] chunk() {
    byte[] data = take(left);
    left -= data.length;
    if (left == 0) {
      part = Part.CHUNK_END;
    }
    byte[] size = (Integer.toHexString(data.length) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    byte[] whole = Arrays.copyOf(size, size.length + data.length + 2);
    System.arraycopy(data, 0, whole, size.length, data.length);
    whole[whole.length - 2] = '\r';
    whole[whole.length - 1] = '\n';
    return whole;
  }

  private byte @Nullable [] chunkEnd() {
    String text = line();
    if (text != null) {
      if (!text.isEmpty()) {
        throw malformed("the end of a line after a chunk's bytes");
      }
      part = Part.CHUNK_SIZE;
    }
    return null;
  }

  private byte @Nullable [] trailers() {
    String text = line();
    if (text == null) {
      return null;
    }
    trailerBytes += text.length();
    if (trailerBytes > MAX_LINE) {
      throw malformed("trailers of at most " + MAX_LINE + " bytes");
    }
    if (!text.isEmpty()) {
      return null;
    }
    trailerBytes = 0;
    part = Part.HEAD;
    return LAST_CHUNK;
  }

  /** The line that has arrived, without its end; null if more must arrive first. */
  private @Nullable String line() {
    while (hasArrived()) {
      byte b = arrived.getFirst()[at++];
      if (b == '\n') {
        String text = line.toString(StandardCharsets.ISO_8859_1);
        line.reset();
        if (!text.endsWith("\r")) {
          throw malformed("lines that end with CR and LF");
        }
        return text.substring(0, text.length() - 1);
      }
      line.write(b);
      boolean misplaced = part == Part.CHUNK_END && (line.size() > 1 || b != '\r');
      if (misplaced || line.size() > MAX_LINE) {
        throw malformed(
            misplaced
                ? "the end of a line after a chunk's bytes"
                : "lines of at most " + MAX_LINE + " bytes");
      }
    }
    return null;
  }

  private static Problem malformed(String expected) {
    return new Problem(
        400, "bad_http", "Expected " + expected + ", found a chunked body that is malformed.");
  }
}
