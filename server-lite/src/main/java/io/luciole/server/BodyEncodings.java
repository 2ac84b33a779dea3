package io.luciole.server;

import io.helidon.http.Headers;
import io.helidon.http.encoding.ContentDecoder;
import io.helidon.http.encoding.ContentEncoder;
import io.helidon.http.encoding.ContentEncodingContext;
import io.helidon.http.encoding.ContentEncodingContextConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
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
   * Whether a body is in gzip, which {@link GzipBody} reads, or as it is.
   *
   * @param coding the request's {@code Content-Encoding}, empty for none
   * @throws Problem if the coding is not known
   */
  static boolean isGzip(String coding) {
    String name = coding.strip().toLowerCase(Locale.ROOT);
    boolean gzip = GZIP.contains(name);
    if (!gzip && !name.isEmpty() && !name.equals("identity")) {
      throw new Problem(
          415,
          "unsupported_encoding",
          "Expected a body in gzip or as it is, found one in the coding \"" + coding + "\".");
    }
    return gzip;
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
