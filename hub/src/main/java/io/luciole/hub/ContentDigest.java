package io.luciole.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a file's bytes must hash to: their SHA-256 where the hub keeps the file in Git LFS, else the
 * SHA-1 of git's blob, that is of {@code "blob " + size + "\0"} and the bytes.
 *
 * @param hex the digest in lower case
 */
record ContentDigest(Kind kind, String hex) {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");

  /** Which hash, of what. */
  enum Kind {
    SHA256("SHA-256"),
    GIT_BLOB("SHA-1");

    private final String algorithm;

    Kind(String algorithm) {
      this.algorithm = algorithm;
    }
  }

  ContentDigest {
    if (!(kind == Kind.SHA256 ? SHA256 : SHA1).matcher(hex).matches()) {
      throw new IllegalArgumentException("expected a " + kind.algorithm + ", got " + hex);
    }
  }

  /** The digest of this text, by its length, or null if it is none. */
  static @Nullable ContentDigest of(String text) {
    String hex = text.toLowerCase(Locale.ROOT);
    return SHA256.matcher(hex).matches()
        ? new ContentDigest(Kind.SHA256, hex)
        : SHA1.matcher(hex).matches() ? new ContentDigest(Kind.GIT_BLOB, hex) : null;
  }

  /** A digest that waits for the bytes of a file of this size. */
  MessageDigest start(long size) {
    try {
      MessageDigest digest = MessageDigest.getInstance(kind.algorithm);
      if (kind == Kind.GIT_BLOB) {
        digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
      }
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + kind.algorithm, e);
    }
  }

  /** What the digest came to, in hexadecimal. */
  static String end(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  String algorithm() {
    return kind == Kind.SHA256 ? kind.algorithm : "git " + kind.algorithm;
  }
}
