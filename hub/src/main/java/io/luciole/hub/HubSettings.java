package io.luciole.hub;

import io.luciole.ConfigException;
import io.luciole.ProcessKeys;
import io.luciole.internal.HubCache;
import io.luciole.model.ModelException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the environment says about the hub: where it is, who asks, through which proxy. */
final class HubSettings {
  private static final Logger log = LoggerFactory.getLogger(HubSettings.class);
  private static final String HUB = "https://huggingface.co";

  private final URI endpoint;
  private final @Nullable Token token;
  private final @Nullable String offline;
  private final EnvironmentProxies proxies;

  private HubSettings(
      URI endpoint, @Nullable Token token, @Nullable String offline, EnvironmentProxies proxies) {
    this.endpoint = endpoint;
    this.token = token;
    this.offline = offline;
    this.proxies = proxies;
  }

  /** A token and where it comes from. Never printed. */
  static final class Token {
    private final String secret;
    private final String source;

    Token(String secret, String source) {
      this.secret = secret;
      this.source = source;
    }

    String secret() {
      return secret;
    }

    /** The variable or the file, for messages. */
    String source() {
      return source;
    }
  }

  /**
   * Reads the environment.
   *
   * @throws ModelException if it says something unusable
   */
  static HubSettings of(Map<String, String> environment) {
    return new HubSettings(
        endpoint(environment.getOrDefault("HF_ENDPOINT", "").strip()),
        token(environment),
        offline(environment),
        EnvironmentProxies.of(environment));
  }

  /** The hub's address, without a slash at its end. */
  URI endpoint() {
    return endpoint;
  }

  @Nullable Token token() {
    return token;
  }

  /** The variable that forbids connections, or null. */
  @Nullable String offline() {
    return offline;
  }

  EnvironmentProxies proxies() {
    return proxies;
  }

  private static URI endpoint(String text) {
    String address = (text.isEmpty() ? HUB : text).replaceAll("/+$", "");
    try {
      URI uri = URI.create(address);
      if (HubClient.isHttp(uri) && uri.getRawQuery() == null && uri.getRawUserInfo() == null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // Refused below, with the text.
    }
    throw new ModelException(
        "Expected HF_ENDPOINT to be the hub's address, such as " + HUB + ", found \"" + text + '"');
  }

  private static @Nullable String offline(Map<String, String> environment) {
    String own = environment.getOrDefault(ProcessKeys.OFFLINE.variable(), "");
    if (!own.isBlank()) {
      requireOfflineValue(own);
    }
    for (String variable : List.of(ProcessKeys.OFFLINE.variable(), "HF_HUB_OFFLINE")) {
      switch (environment.getOrDefault(variable, "").strip().toLowerCase(Locale.ROOT)) {
        case "1", "true", "yes", "on" -> {
          return variable;
        }
        default -> {}
      }
    }
    return null;
  }

  /** Our own variable has certain values; those of others are read as their tools read them. */
  private static void requireOfflineValue(String value) {
    try {
      ProcessKeys.OFFLINE.parse(value);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(ProcessKeys.OFFLINE.variable() + ": " + e.getMessage(), e);
    }
  }

  private static @Nullable Token token(Map<String, String> environment) {
    for (String variable : List.of("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")) {
      String value = environment.getOrDefault(variable, "").strip();
      if (!value.isEmpty()) {
        return checked(value, variable);
      }
    }
    String path = environment.getOrDefault("HF_TOKEN_PATH", "");
    Path file = path.isBlank() ? HubCache.home(environment).resolve("token") : Path.of(path);
    if (!Files.isRegularFile(file)) {
      return null;
    }
    try {
      String value = Files.readString(file, StandardCharsets.UTF_8).strip();
      return value.isEmpty() ? null : checked(value, file.toString());
    } catch (IOException e) {
      log.warn("Passing over the hub's token, which cannot be read: {}", e.toString());
      return null;
    }
  }

  private static Token checked(String value, String source) {
    if (!value.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new ModelException(
          "Expected one word of ASCII characters as the hub's token, found something else in "
              + source);
    }
    return new Token(value, source);
  }
}
