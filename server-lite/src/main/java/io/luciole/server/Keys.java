package io.luciole.server;

import com.google.inject.Inject;
import io.luciole.internal.Sha256;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who may call. Only digests of keys are known here, and every one is compared with every
 * request's, each in constant time, so that timing tells nothing of a key.
 */
final class Keys {
  private static final String BEARER = "Bearer ";

  private final List<byte[]> digests;

  @Inject
  Keys(ServerConfig config) {
    this.digests = config.keyDigests().stream().map(HexFormat.of()::parseHex).toList();
  }

  /** Whether anybody may call. */
  boolean open() {
    return digests.isEmpty();
  }

  /**
   * Who calls, by the number of the key.
   *
   * @param authorization the header, {@code Bearer KEY}, or null
   * @param apiKey the header {@code X-API-Key}, or null
   * @return null if there are keys and none of them was shown
   */
  @Nullable String caller(@Nullable String authorization, @Nullable String apiKey) {
    if (open()) {
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
