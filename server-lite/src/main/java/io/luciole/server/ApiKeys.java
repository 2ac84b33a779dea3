package io.luciole.server;

import com.google.inject.Inject;
import io.luciole.internal.Sha256;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may call, and what. Only digests of the keys are kept. The digest of a request's key
 * is compared with all of them, each in constant time, so that timing reveals nothing about a key.
 *
 * <p>The keys of the configuration have all rights; those of the file ({@link KeyFile}) have the
 * rights that it gives them, and are loaded again when it changes. A file that cannot be used, that
 * is empty or gone, leaves the keys as they were. Safe for use by many threads.
 */
final class ApiKeys {
  private static final String BEARER = "Bearer ";

  private final List<Known> configured = new ArrayList<>();
  private final boolean open;
  private volatile List<Known> all;

  /** A key that is known: its SHA-256 in hex, the caller's name, and what the caller may do. */
  record Known(String digest, String name, Set<Route.Access> rights) {
    /** Whether its caller may call a route of this access. */
    boolean allows(Route.Access access) {
      return !Route.Access.RIGHTS.contains(access) || rights.contains(access);
    }
  }

  /**
   * Reads the keys.
   *
   * @throws io.luciole.ConfigException if the file of keys cannot be used
   */
  @Inject
  ApiKeys(ServerConfig config, FileWatch files) {
    for (String digest : config.keyDigests()) {
      configured.add(new Known(digest, "key-" + (configured.size() + 1), Route.Access.RIGHTS));
    }
    Path file = config.operations().keyFile().orElse(null);
    open = configured.isEmpty() && file == null;
    all = List.copyOf(configured);
    if (file != null) {
      // A change while the file is read is a change that is seen.
      files.add("the keys", List.of(file), () -> load(file));
      load(file);
    }
  }

  private void load(Path file) {
    List<Known> keys = new ArrayList<>(configured);
    keys.addAll(KeyFile.read(file));
    all = List.copyOf(keys);
  }

  /** Whether no keys are configured, so that anybody may call. */
  boolean isOpen() {
    return open;
  }

  /**
   * Identifies the caller by its key.
   *
   * @param authorization the header, {@code Bearer KEY}, or null
   * @param apiKey the header {@code X-API-Key}, or null
   * @return the key, {@code key-1} being the name of the first one configured; null if the request
   *     has none that is known
   */
  @Nullable Known caller(@Nullable String authorization, @Nullable String apiKey) {
    String shown = apiKey;
    if (authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      shown = authorization.substring(BEARER.length()).strip();
    }
    if (shown == null) {
      return null;
    }
    byte[] digest = ascii(HexFormat.of().formatHex(Sha256.of(shown)));
    Known found = null;
    for (Known key : all) {
      if (MessageDigest.isEqual(ascii(key.digest()), digest)) {
        found = key;
      }
    }
    return found;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
