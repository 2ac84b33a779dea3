package io.luciole.cli.embed;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Identifies a sequence of texts by their ids, contents and order: the digest of each text is taken
 * together with that of the texts before it. For one thread.
 */
final class TextChain {
  /** Of no texts. */
  static final String EMPTY = "";

  private final MessageDigest sha256;
  private byte[] last;

  /** Goes on from what {@link #toString} gave. */
  TextChain(String chain) {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
    last = HexFormat.of().parseHex(chain);
  }

  /** Adds a text, or null for one that could not be read. */
  void add(@Nullable TextItem item) {
    sha256.update(last);
    if (item != null) {
      add(item.id().json());
      add(item.text());
    }
    last = sha256.digest();
  }

  private void add(String part) {
    byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
    sha256.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
    sha256.update(bytes);
  }

  /** The chain's digest, lower-case hex. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(last);
  }
}
