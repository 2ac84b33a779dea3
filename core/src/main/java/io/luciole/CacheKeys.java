package io.luciole;

import io.luciole.internal.Sha256;
import io.luciole.model.DenseRecipe;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFingerprint;
import io.luciole.model.TokenPooling;
import io.luciole.spi.BackendInfo;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** Computes the cache keys for one model as one engine runs it. Safe for use by many threads. */
final class CacheKeys {
  private static final String LAYOUT = "luciole embedding 1";

  private final byte[] model;

  /**
   * Begins the keys of a model. What has been added to the parts since there are caches is left out
   * where it is not used, so that keys from before stay valid.
   *
   * @param options those of the backend that vectors depend on, without defaults
   */
  CacheKeys(
      ModelFingerprint fingerprint,
      ModelDescription description,
      BackendInfo backend,
      SortedMap<String, String> options) {
    MessageDigest digest = Sha256.start();
    add(digest, LAYOUT);
    add(digest, Integer.toString(fingerprint.dimension()));
    add(digest, fingerprint.tokenizerDigest());
    add(digest, fingerprint.weightsDigest());
    add(digest, plainPooling(description.dense()));
    add(digest, Boolean.toString(description.normalize()));
    add(digest, Integer.toString(description.maxTokens()));
    add(digest, new TreeMap<>(description.prompts()).toString());
    add(digest, new TreeSet<>(description.unweightedTokens()).toString());
    if (!description.outlierChannels().isEmpty()) {
      add(digest, "outliers " + new TreeSet<>(description.outlierChannels()));
    }
    if (description.lowerCase()) {
      add(digest, "lower case");
    }
    if (!isPlain(description.dense())) {
      add(digest, description.vectors());
    }
    add(digest, backend.backend());
    add(digest, backend.precision());
    if (!options.isEmpty()) {
      add(digest, "options " + options);
    }
    this.model = digest.digest();
  }

  /** Whether there is nothing but one pooling of all tokens. */
  private static boolean isPlain(DenseRecipe dense) {
    TokenPooling pooling = dense.pooling();
    boolean simple = pooling == null || (pooling.modes().size() == 1 && pooling.includePrompt());
    return simple && dense.modules().isEmpty() && dense.dimensions().isEmpty();
  }

  private static String plainPooling(DenseRecipe dense) {
    TokenPooling pooling = dense.pooling();
    return pooling == null ? "null" : pooling.modes().get(0).name();
  }

  EmbeddingCache.Key key(String text, Role role, Set<Output> outputs, Truncation truncation) {
    MessageDigest digest = Sha256.start();
    digest.update(model);
    // The usual rule is left out: keys from before there was a choice stay valid.
    add(digest, role.name() + (truncation == Truncation.TRUNCATE ? "" : " " + truncation));
    add(digest, new TreeSet<>(outputs).toString());
    digest.update(text.getBytes(StandardCharsets.UTF_16BE));
    return EmbeddingCache.Key.of(digest.digest());
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
