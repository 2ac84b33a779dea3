package io.luciole;

import io.luciole.internal.Sha256;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps embeddings so that the same text is not computed twice; see {@link EngineBuilder#cache}.
 * The artifact {@code luciole-cache} has one cache in memory and one on disk.
 *
 * <p>The engine calls a cache from several threads at once, but never from the thread that submits
 * a text or from a device's thread. An exception of the cache is logged and counts as a miss. The
 * engine does not close the cache: one cache may serve several engines, since the key tells which
 * model an embedding comes from.
 */
public interface EmbeddingCache {
  /**
   * Looks an embedding up.
   *
   * @param key the key
   * @return the embedding, or empty if the cache has none
   */
  Optional<Embedding> get(Key key);

  /**
   * Offers an embedding to the cache, which may keep it, and may forget it at any time.
   *
   * @param key the key
   * @param embedding the embedding
   */
  void put(Key key, Embedding embedding);

  /**
   * Identifies an embedding by a SHA-256 digest of everything that it depends on. Two keys are
   * equal only if these are: the model (weights, tokenizer, description), the backend with its
   * arithmetic and its options that vectors depend on, the role, the outputs, the token limit, the
   * truncation rule and the text. Immutable.
   */
  final class Key {
    private final byte[] digest;

    private Key(byte[] digest) {
      this.digest = digest;
    }

    /**
     * Restores a key from its digest.
     *
     * @param digest what {@link #digest} returned, 32 bytes; copied
     * @return the key
     * @throws IllegalArgumentException if it is not 32 bytes long
     */
    public static Key of(byte[] digest) {
      if (digest.length != 32) {
        throw new IllegalArgumentException("expected 32 bytes, got " + digest.length);
      }
      return new Key(digest.clone());
    }

    /** {@return a copy of the digest, 32 bytes} */
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
}
