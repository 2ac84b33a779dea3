package io.luciole.server;

import com.google.inject.Inject;
import io.luciole.internal.Sha256;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may call. Only digests of the keys are kept. The digest of a request's key is
 * compared with all of them, each in constant time, so that timing reveals nothing about a key.
 */
final class ApiKeys {
  private static final String BEARER = "Bearer ";

  private final List<byte[]> digests;

  @Inject
  ApiKeys(ServerConfig config) {
    this.digests = config.keyDigests().stream().map(HexFormat.of()::parseHex).toList();
  }

  /** Whether no keys are configured, so that anybody may call. */
  boolean isOpen() {
    return digests.isEmpty();
  }

  /**
   * Identifies the caller by the number of its key, {@code key-1} being the first one configured.
   *
   * @param authorization the header, {@code Bearer KEY}, or null
   * @param apiKey the header {@code X-API-Key}, or null
   * @return the caller; null if keys are configured and the request has none of them
   */
  @Nullable String caller(@Nullable String authorization, @Nullable String apiKey) {
    if (isOpen()) {
      return "anonymous";
    }
    String shown = apiKey;
    if (authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      shown = authorization.substring(BEARER.length()).strip();
    }
    if (shown == null) {
      return null;
    }
    byte[] digest = Sha256.of(shown);
    int found = -1;
    for (int i = 0; i < digests.size(); i++) {
      if (MessageDigest.isEqual(digests.get(i), digest)) {
        found = i;
      }
    }
    return found < 0 ? null : "key-" + (found + 1);
  }
}
