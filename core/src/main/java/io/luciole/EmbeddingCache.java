package io.luciole;

import io.luciole.internal.Sha256;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFingerprint;
import io.luciole.spi.BackendInfo;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Keeps embeddings, so that a text that comes again costs nothing: see {@link
 * EmbeddingEngine.Builder#cache}. {@code luciole-cache} has one in memory and one on disk.
 *
 * <p>Called from several threads at once, neither the caller's nor a device's. What a cache throws
 * is logged and taken for a miss. The engine does not close it: one cache may serve several
 * engines, since the key says which model an embedding is of.
 */
public interface EmbeddingCache {
  /** The embedding of a key, or null if there is none. */
  @Nullable Embedding get(Key key);

  /** Keeps an embedding, or not: a cache may forget at any time. */
  void put(Key key, Embedding embedding);

  /**
   * Which embedding: a SHA-256 over everything that it depends on. Two keys are equal only if model
   * (weights, tokenizer, what its files mean), arithmetic, role, outputs, limit, truncation and
   * text are.
   */
  final class Key {
    private final byte[] digest;

    private Key(byte[] digest) {
      this.digest = digest;
    }

    /**
     * Wraps a digest that {@link #digest} gave.
     *
     * @throws IllegalArgumentException if it is not 32 bytes long
     */
    public static Key of(byte[] digest) {
      if (digest.length != 32) {
        throw new IllegalArgumentException("expected 32 bytes, got " + digest.length);
      }
      return new Key(digest.clone());
    }

    /** The 32 bytes of the digest, a copy. */
    public byte[] digest() {
      return digest.clone();
    }

    @Override
    public boolean equals(@Nullable Object o) {
      return o instanceof Key that && Arrays.equals(digest, that.digest);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(digest);
    }

    @Override
    public String toString() {
      return Sha256.hex(digest);
    }
  }

  /** Makes the keys of one model as one engine runs it. */
  final class Keys {
    private static final String LAYOUT = "luciole embedding 1";

    private final byte[] model;

    Keys(ModelFingerprint fingerprint, ModelDescription description, BackendInfo backend) {
      MessageDigest digest = Sha256.start();
      add(digest, LAYOUT);
      add(digest, Integer.toString(fingerprint.dimension()));
      add(digest, fingerprint.tokenizerDigest());
      add(digest, fingerprint.weightsDigest());
      add(digest, String.valueOf(description.pooling()));
      add(digest, Boolean.toString(description.normalize()));
      add(digest, Integer.toString(description.maxTokens()));
      add(digest, new TreeMap<>(description.prompts()).toString());
      add(digest, new TreeSet<>(description.unweightedTokens()).toString());
      add(digest, backend.backend());
      add(digest, backend.precision());
      this.model = digest.digest();
    }

    Key key(String text, Role role, Set<Output> outputs, Truncation truncation) {
      MessageDigest digest = Sha256.start();
      digest.update(model);
      // As it was before there was a choice, for the usual one: what is kept stays valid.
      add(digest, role.name() + (truncation == Truncation.TRUNCATE ? "" : " " + truncation));
      add(digest, new TreeSet<>(outputs).toString());
      digest.update(text.getBytes(StandardCharsets.UTF_16BE));
      return new Key(digest.digest());
    }

    /** Adds a part so that no other sequence of parts gives the same bytes. */
    private static void add(MessageDigest digest, String part) {
      byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
      for (int shift = 24; shift >= 0; shift -= 8) {
        digest.update((byte) (bytes.length >>> shift));
      }
      digest.update(bytes);
    }
  }
}
