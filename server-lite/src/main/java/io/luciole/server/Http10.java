package io.luciole.server;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes requests in HTTP/1.0, which Helidon refuses, as a gateway would: the head of a connection's
 * first request is rewritten to HTTP/1.1. nginx before 1.29.7 speaks 1.0 to what is behind it
 * unless told otherwise, and so do {@code ab} and HAProxy's default check.
 *
 * <p>The rewritten head says {@code Connection: close}, so that such a connection has one request,
 * and {@code Via: 1.0 luciole}, by which {@link #isVia} knows it. An answer in chunks, which
 * HTTP/1.0 does not have, must be refused to it. Whatever is not plainly a head in HTTP/1.0 is
 * passed on as it is.
 *
 * <p>Used by one thread at a time.
 */
final class Http10 implements Supplier<byte @Nullable []> {
  private static final String VIA = "1.0 luciole";
  private static final byte[] END_OF_LINE = {'\r', '\n'};
  private static final byte[] END_OF_HEAD = {'\r', '\n', '\r', '\n'};
  private static final byte[] VERSION = " HTTP/1.0".getBytes(StandardCharsets.US_ASCII);

  private final Supplier<byte @Nullable []> connection;
  private final int maxLine;
  private final int maxHead;
  private boolean passed;

  /**
   * Reads a connection through this object.
   *
   * @param connection gives the connection's next bytes, or null at its end
   * @param maxLine the longest first line, in bytes
   * @param maxHead the longest head, in bytes
   */
  Http10(Supplier<byte @Nullable []> connection, int maxLine, int maxHead) {
    this.connection = connection;
    this.maxLine = maxLine;
    this.maxHead = maxHead;
  }

  /** Whether a request came in HTTP/1.0, by its {@code Via} header. */
  static boolean isVia(@Nullable String via) {
    return VIA.equals(via);
  }

  @Override
  public byte @Nullable [] get() {
    if (passed) {
      return connection.get();
    }
    passed = true;
    byte[] head = readUntil(new byte[0], END_OF_LINE, maxLine);
    int end = indexOf(head, END_OF_LINE);
    if (end < 0 || !endsWith(head, end, VERSION)) {
      return head.length == 0 ? null : head;
    }
    head = readUntil(head, END_OF_HEAD, maxHead);
    end = indexOf(head, END_OF_HEAD);
    String rewritten =
        end < 0 || end > maxHead
            ? null
            : rewrite(new String(head, 0, end, StandardCharsets.ISO_8859_1));
    if (rewritten == null) {
      return head;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(rewritten.getBytes(StandardCharsets.ISO_8859_1));
    bytes.write(head, end + END_OF_HEAD.length, head.length - end - END_OF_HEAD.length);
    return bytes.toByteArray();
  }

  /**
   * Reads on until there is an end, as many bytes as may come before it, or the connection ends.
   */
  private byte[] readUntil(byte[] start, byte[] end, int most) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(start);
    byte[] all = start;
    while (indexOf(all, end) < 0 && all.length <= most) {
      byte[] more = connection.get();
      if (more == null) {
        break;
      }
      bytes.writeBytes(more);
      all = bytes.toByteArray();
    }
    return all;
  }

  /** A head without its last empty line in HTTP/1.1, or null if it is not proper HTTP/1.0. */
  private static @Nullable String rewrite(String head) {
    String[] lines = head.split("\r\n", -1);
    StringBuilder out = new StringBuilder();
    out.append(lines[0], 0, lines[0].length() - 1).append("1\r\n");
    boolean hasHost = false;
    for (int i = 1; i < lines.length; i++) {
      int colon = lines[i].indexOf(':');
      if (colon < 1) {
        return null;
      }
      switch (lines[i].substring(0, colon).toLowerCase(Locale.ROOT)) {
        case "connection", "keep-alive", "proxy-connection", "expect", "via" -> {
          continue;
        }
        // HTTP/1.0 has none; where the body ends would be a guess.
        case "transfer-encoding" -> {
          return null;
        }
        case "host" -> hasHost = true;
        default -> {
          if (lines[i].charAt(0) == ' ' || lines[i].charAt(0) == '\t') {
            return null;
          }
        }
      }
      out.append(lines[i]).append("\r\n");
    }
    if (!hasHost) {
      out.append("Host: localhost\r\n");
    }
    return out.append("Connection: close\r\nVia: ").append(VIA).append("\r\n\r\n").toString();
  }

  private static boolean endsWith(byte[] bytes, int end, byte[] suffix) {
    return end >= suffix.length
        && Arrays.equals(bytes, end - suffix.length, end, suffix, 0, suffix.length);
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int i = 0; i + wanted.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
        return i;
      }
    }
    return -1;
  }
}
