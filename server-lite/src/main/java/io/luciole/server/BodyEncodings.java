package io.luciole.server;

import io.helidon.http.Headers;
import io.helidon.http.encoding.ContentDecoder;
import io.helidon.http.encoding.ContentEncoder;
import io.helidon.http.encoding.ContentEncodingContext;
import io.helidon.http.encoding.ContentEncodingContextConfig;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Content codings of bodies: gzip and none. For Helidon it lets every request through, whatever its
 * coding, so that one that is not known is answered as other errors are.
 */
final class BodyEncodings implements ContentEncodingContext {
  /** Fewest bytes of an answer that is worth compressing. */
  private static final int LARGE = 1 << 10;

  /** Most bytes of gzip between two of what it contains: names, comments and empty members. */
  private static final int MAX_BARREN = 256 << 10;

  /** The names of gzip. */
  private static final Set<String> GZIP = Set.of("gzip", "x-gzip");

  /**
   * A body as it was before its sender encoded it.
   *
   * @param body the body, which is read only when the result is
   * @param coding the request's {@code Content-Encoding}
   * @return the body, in which reads throw a {@link Problem} where it is not of that coding
   * @throws Problem if the coding is not known
   */
  static InputStream decoded(InputStream body, @Nullable String coding) {
    return switch (coding == null ? "identity" : coding.strip().toLowerCase(Locale.ROOT)) {
      case "identity", "" -> body;
      case "gzip", "x-gzip" -> new Inflated(body);
      default ->
          throw new Problem(
              415,
              "unsupported_encoding",
              "Expected a body in gzip or as it is, found one in the coding \"" + coding + "\".");
    };
  }

  /**
   * Whether an answer should be compressed, by the request's {@code Accept-Encoding}. What that
   * says of {@code *} holds for gzip if it does not name it.
   */
  static boolean isWorthwhile(byte[] body, @Nullable String accepted) {
    if (body.length < LARGE || accepted == null) {
      return false;
    }
    boolean any = false;
    for (String each : accepted.toLowerCase(Locale.ROOT).split(",", -1)) {
      String[] parts = each.split(";", 2);
      String coding = parts[0].strip();
      boolean taken = parts.length == 1 || !parts[1].strip().matches("q\\s*=\\s*0(\\.0*)?");
      if (GZIP.contains(coding)) {
        return taken;
      }
      any |= coding.equals("*") && taken;
    }
    return any;
  }

  static byte[] compressed(byte[] body) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(body.length / 4);
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(body);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // To memory, that does not happen.
    }
    return bytes.toByteArray();
  }

  /**
   * A body in gzip. What it makes is bounded by whoever reads it, and here what makes nothing: the
   * unpacker holds a member's whole name and comment in memory.
   */
  private static final class Inflated extends InputStream {
    private final InputStream body;
    private @Nullable GzipCompressorInputStream gzip;

    /** The bytes that were read since the last that made something. */
    private int barren;

    Inflated(InputStream body) {
      this.body = body;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      try {
        GzipCompressorInputStream started = gzip;
        if (started == null) {
          // All members, whether the next is there already or not, and nothing else behind them.
          started = new GzipCompressorInputStream(new Packed(), true);
          gzip = started;
        }
        int made = started.read(bytes, offset, length);
        barren = 0;
        return made;
      } catch (EOFException e) {
        throw malformed("one that ends too early");
      } catch (IOException e) {
        throw malformed("another: " + e.getMessage());
      }
    }

    private static Problem malformed(String found) {
      return Problem.invalid(
          null, "Expected a whole body in gzip, as Content-Encoding says, found " + found + '.');
    }

    /** Gives back the unpacker's memory, which is outside of the heap. */
    @Override
    public void close() throws IOException {
      if (gzip != null) {
        gzip.close();
      }
    }

    /** The body as it was sent. */
    private final class Packed extends WatchedStream {
      Packed() {
        super(body);
      }

      @Override
      void after(int read, long nanos) {
        barren += read;
        if (barren > MAX_BARREN) {
          throw malformed("more than " + MAX_BARREN + " bytes of it that contain nothing");
        }
      }
    }
  }

  @Override
  public ContentEncodingContextConfig prototype() {
    return ContentEncodingContextConfig.builder().buildPrototype();
  }

  @Override
  public boolean contentEncodingEnabled() {
    return false;
  }

  @Override
  public boolean contentDecodingEnabled() {
    return true;
  }

  @Override
  public boolean contentEncodingSupported(String coding) {
    return false;
  }

  @Override
  public boolean contentDecodingSupported(String coding) {
    return true;
  }

  @Override
  public ContentEncoder encoder(String coding) {
    return ContentEncoder.NO_OP;
  }

  @Override
  public ContentDecoder decoder(String coding) {
    return ContentDecoder.NO_OP;
  }

  @Override
  public ContentEncoder encoder(Headers headers) {
    return ContentEncoder.NO_OP;
  }
}
