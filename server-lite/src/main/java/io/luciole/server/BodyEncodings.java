package io.luciole.server;

import io.helidon.http.Headers;
import io.helidon.http.encoding.ContentDecoder;
import io.helidon.http.encoding.ContentEncoder;
import io.helidon.http.encoding.ContentEncodingContext;
import io.helidon.http.encoding.ContentEncodingContextConfig;
import java.io.ByteArrayOutputStream;
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

  /** A body in gzip. What it makes is bounded by whoever reads it. */
  private static final class Inflated extends InputStream {
    private final InputStream body;
    private @Nullable GzipCompressorInputStream gzip;

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
          started = new GzipCompressorInputStream(body, true);
          gzip = started;
        }
        return started.read(bytes, offset, length);
      } catch (IOException e) {
        throw Problem.invalid(
            null,
            "Expected a whole body in gzip, as Content-Encoding says, found another: "
                + e.getMessage());
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
