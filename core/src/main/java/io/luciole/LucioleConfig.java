package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Settings from outside the code. In order of increasing strength:
 *
 * <ol>
 *   <li>{@code luciole.properties} in the working directory, or the file that the system property
 *       {@code luciole.config} or the environment's {@code LUCIOLE_CONFIG} names;
 *   <li>the environment: {@code LUCIOLE_TOKEN_BUDGET} for {@code luciole.token-budget};
 *   <li>system properties: {@code -Dluciole.token-budget=8192}.
 * </ol>
 *
 * <p>Unknown keys and values that cannot be are refused with the key, where it came from and, if
 * one is near, the key that may have been meant. Immutable.
 */
public final class LucioleConfig {
  /** What can be set. */
  public enum Key {
    /** An alias, a folder or a hub name; {@code starter} by default. */
    MODEL("model"),
    /** A backend's name; chosen by {@link io.luciole.spi.Backends#select} by default. */
    BACKEND("backend"),
    /** {@code cpu}, {@code cuda:0}, {@code cuda:0,cuda:1}; the backend's best device by default. */
    DEVICE("device"),
    /**
     * {@code fp32}, {@code fp16}, {@code bf16} or {@code int8}; the device's usual one by default.
     */
    PRECISION("precision"),
    /** Threads of the backend on the CPU; its own choice by default. */
    THREADS("threads"),
    /** Outputs of a text that asks for none, comma-separated: {@code dense,sparse,colbert}. */
    OUTPUTS("outputs"),
    /** Most tokens of a text, special ones included; the model's limit by default. */
    MAX_LENGTH("max-length"),
    /**
     * What becomes of longer texts: {@code truncate} (the default), {@code error}, {@code chunk}.
     */
    TRUNCATION("truncation"),
    /** Most tokens of a batch, padding included. */
    TOKEN_BUDGET("token-budget"),
    /** {@code true} to measure the token budget if none is set or was measured before. */
    CALIBRATE("calibrate"),
    /** Threads that tokenise. */
    TOKENIZER_THREADS("tokenizer-threads"),
    /** Most tokens that wait in each lane. */
    MAX_WAITING_TOKENS("max-waiting-tokens"),
    /** What happens beyond that: {@code block} (the default) or {@code reject}. */
    OVERLOAD("overload"),
    /**
     * How long a free device waits for a full batch, such as {@code 5ms}; not at all by default.
     */
    MAX_WAIT("max-wait"),
    /** How long a batch may take before its device is given up, such as {@code 2m}. */
    BATCH_TIMEOUT("batch-timeout"),
    /** How long closing waits for texts that were submitted, such as {@code 30s}. */
    CLOSE_TIMEOUT("close-timeout"),
    /** The server's address; {@code 127.0.0.1} by default. */
    SERVER_HOST("server.host"),
    /** The server's port; 8080 by default, 0 for any that is free. */
    SERVER_PORT("server.port"),
    /** The folder of the index that the server searches and writes. */
    SERVER_INDEX("server.index"),
    /** How a new index of the server keeps sparse weights: {@code impacts} or {@code features}. */
    SERVER_SPARSE_FORM("server.sparse-form"),
    /** SHA-256 digests of the keys that clients show, in hex, comma-separated. */
    SERVER_API_KEYS("server.api-keys"),
    /** {@code true} to listen beyond this machine without a key. */
    SERVER_INSECURE("server.insecure"),
    /** A PEM file with the server's certificate chain. */
    SERVER_TLS_CERTIFICATE("server.tls-certificate"),
    /** A PEM file with the certificate's private key, PKCS#8. */
    SERVER_TLS_KEY("server.tls-key"),
    /** Origins whose pages may call the server, comma-separated; none by default. */
    SERVER_CORS_ORIGINS("server.cors-origins"),
    /** Most bytes of a request's body, such as {@code 16m}. */
    SERVER_MAX_BODY("server.max-body"),
    /** Most texts of a request. */
    SERVER_MAX_TEXTS("server.max-texts"),
    /** Most characters of a text. */
    SERVER_MAX_CHARACTERS("server.max-characters"),
    /** Most requests at once. */
    SERVER_MAX_REQUESTS("server.max-requests"),
    /** Most tokens that the server's clients may have waiting. */
    SERVER_MAX_WAITING_TOKENS("server.max-waiting-tokens"),
    /** How long a request may take, such as {@code 60s}. */
    SERVER_TIMEOUT("server.timeout"),
    /** How long a client may send nothing in the middle of a request. */
    SERVER_READ_TIMEOUT("server.read-timeout"),
    /** How lately an inference must have succeeded for the server to be ready. */
    SERVER_READY_WITHIN("server.ready-within"),
    /** How long a shutdown waits for what is under way. */
    SERVER_SHUTDOWN_TIMEOUT("server.shutdown-timeout"),
    /** Whether each request is logged; {@code true} by default. */
    SERVER_ACCESS_LOG("server.access-log");

    private final String id;

    Key(String id) {
      this.id = id;
    }

    /** The property's name, such as {@code luciole.token-budget}. */
    public String property() {
      return PREFIX + id;
    }

    /** The environment variable's name, such as {@code LUCIOLE_TOKEN_BUDGET}. */
    public String variable() {
      return property().replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }
  }

  /**
   * One setting and where it came from.
   *
   * @param value the value as written
   * @param origin for people: a file, an environment variable, a system property
   */
  public record Setting(String value, String origin) {}

  private static final String PREFIX = "luciole.";

  private static final Pattern DURATION = Pattern.compile("(\\d{1,9}) *(ms|s|m|h)");

  /** Names with our prefix that are read elsewhere. */
  private static final Set<String> OTHER_PROPERTIES = Set.of("luciole.config", "luciole.cache");

  /** Names of one backend's own switches, such as {@code luciole.onnx.form}; it checks them. */
  private static final Pattern BACKENDS_OWN = Pattern.compile("luciole\\.(?!server\\.)[a-z]+\\..+");

  private static final Pattern SIZE = Pattern.compile("(\\d{1,10}) *([kmg]?)");

  private final Map<Key, Setting> settings;

  private LucioleConfig(Map<Key, Setting> settings) {
    this.settings = settings;
  }

  /**
   * Reads the settings of this process.
   *
   * @throws ConfigException if a setting is unknown or cannot be, or a named file cannot be read
   */
  public static LucioleConfig load() {
    return load(Path.of(""), System.getenv(), System.getProperties());
  }

  /** As {@link #load()}, from a given working directory, environment and system properties. */
  static LucioleConfig load(Path directory, Map<String, String> environment, Properties system) {
    Map<Key, Setting> settings = new EnumMap<>(Key.class);
    String named = system.getProperty("luciole.config", environment.get("LUCIOLE_CONFIG"));
    Path file = named != null ? Path.of(named) : directory.resolve("luciole.properties");
    if (named != null || Files.isRegularFile(file)) {
      putAll(settings, read(file), file.toString());
    }
    environment.forEach((variable, value) -> putVariable(settings, variable, value));
    Map<String, String> own = new TreeMap<>();
    for (String name : system.stringPropertyNames()) {
      if (name.startsWith(PREFIX)
          && !OTHER_PROPERTIES.contains(name)
          && !BACKENDS_OWN.matcher(name).matches()) {
        own.put(name, requireNonNull(system.getProperty(name)));
      }
    }
    putAll(settings, own, "system property");
    return new LucioleConfig(settings);
  }

  /**
   * Settings given as properties, {@code luciole.backend=onnx}, and nothing from the process.
   *
   * @throws ConfigException if a setting is unknown or cannot be
   */
  public static LucioleConfig of(Map<String, String> properties) {
    Map<Key, Setting> settings = new EnumMap<>(Key.class);
    putAll(settings, properties, "given properties");
    return new LucioleConfig(settings);
  }

  /** A setting, if it was made. */
  public Optional<String> get(Key key) {
    return Optional.ofNullable(settings.get(key)).map(Setting::value);
  }

  /** A setting that is a number of at least 1, if it was made. */
  Optional<Integer> positive(Key key) {
    return get(key).map(LucioleConfig::positive);
  }

  /** A setting that is a duration, if it was made. */
  Optional<Duration> duration(Key key) {
    return get(key).map(LucioleConfig::duration);
  }

  /** All settings that were made, with their origins. */
  public Map<Key, Setting> settings() {
    return Map.copyOf(settings);
  }

  /** Reads {@code dense,sparse}: outputs, comma-separated. */
  static Set<Output> parseOutputs(String text) {
    Set<Output> outputs = EnumSet.noneOf(Output.class);
    for (String name : text.split(",", -1)) {
      outputs.add(
          Arrays.stream(Output.values())
              .filter(o -> o.id().equals(name.strip().toLowerCase(Locale.ROOT)))
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "expected outputs of dense, sparse and colbert, comma-separated, got \""
                          + text
                          + '"')));
    }
    return outputs;
  }

  /** Reads {@code cuda:0,cuda:1}: different devices, comma-separated. */
  static List<Device> parseDevices(String text) {
    List<Device> devices = new ArrayList<>();
    for (String name : text.split(",", -1)) {
      Device device = Device.parse(name);
      if (devices.contains(device)) {
        throw new IllegalArgumentException("expected different devices, got \"" + text + '"');
      }
      devices.add(device);
    }
    return List.copyOf(devices);
  }

  /** Reads {@code 65536}, {@code 64k}, {@code 16m}, {@code 1g}: bytes, in powers of 1024. */
  public static long parseSize(String text) {
    Matcher m = SIZE.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!m.matches() || Long.parseLong(m.group(1)) == 0) {
      throw new IllegalArgumentException(
          "expected a size such as 65536, 64k or 16m, got \"" + text + '"');
    }
    long n = Long.parseLong(m.group(1));
    return switch (m.group(2)) {
      case "k" -> n << 10;
      case "m" -> n << 20;
      case "g" -> n << 30;
      default -> n;
    };
  }

  /** Reads a port, 0 to 65535. */
  public static int parsePort(String text) {
    if (text.strip().matches("\\d{1,5}") && Integer.parseInt(text.strip()) <= 0xFFFF) {
      return Integer.parseInt(text.strip());
    }
    throw new IllegalArgumentException("expected a port, 0 to 65535, got \"" + text + '"');
  }

  /** Reads SHA-256 digests in hex, comma-separated. They are digests, so messages may show them. */
  public static List<String> parseDigests(String text) {
    List<String> digests = new ArrayList<>();
    for (String digest : text.split(",", -1)) {
      String form = digest.strip().toLowerCase(Locale.ROOT);
      if (!form.matches("[0-9a-f]{64}")) {
        throw new IllegalArgumentException(
            "expected SHA-256 digests of 64 hexadecimal digits, comma-separated; a digest is what"
                + " `printf KEY | sha256sum` prints");
      }
      digests.add(form);
    }
    return List.copyOf(digests);
  }

  /** Reads {@code true} or {@code false}. */
  public static boolean parseBoolean(String text) {
    return switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("expected true or false, got \"" + text + '"');
    };
  }

  /** Reads {@code 500ms}, {@code 2s}, {@code 5m}, {@code 1h}. */
  public static Duration duration(String text) {
    Matcher m = DURATION.matcher(text.strip());
    if (!m.matches()) {
      throw new IllegalArgumentException(
          "expected a duration such as 500ms, 2s, 5m or 1h, got \"" + text + '"');
    }
    long n = Long.parseLong(m.group(1));
    return switch (m.group(2)) {
      case "ms" -> Duration.ofMillis(n);
      case "s" -> Duration.ofSeconds(n);
      case "m" -> Duration.ofMinutes(n);
      default -> Duration.ofHours(n);
    };
  }

  /** Reads a whole number of at least 1. */
  public static int positive(String text) {
    try {
      int value = Integer.parseInt(text.strip());
      if (value >= 1) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Refused below, with the text.
    }
    throw new IllegalArgumentException(
        "expected a whole number of at least 1, got \"" + text + '"');
  }

  private static Map<String, String> read(Path file) {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      properties.load(reader);
    } catch (IOException | IllegalArgumentException e) {
      throw new ConfigException("Cannot read the configuration file " + file + ": " + e, e);
    }
    Map<String, String> map = new TreeMap<>();
    properties.stringPropertyNames().forEach(n -> map.put(n, properties.getProperty(n, "")));
    return map;
  }

  private static void putAll(
      Map<Key, Setting> settings, Map<String, String> properties, String origin) {
    properties.forEach((name, value) -> {
      Key key =
          Arrays.stream(Key.values())
              .filter(k -> k.property().equals(name))
              .findFirst()
              .orElseThrow(() -> unknown(name, origin, names(Key::property)));
      put(settings, key, value, origin + " " + name);
    });
  }

  private static void putVariable(Map<Key, Setting> settings, String variable, String value) {
    if (!variable.startsWith("LUCIOLE_")) {
      return;
    }
    for (Key key : Key.values()) {
      if (key.variable().equals(variable)) {
        put(settings, key, value, "environment variable " + variable);
        return;
      }
    }
    // Others may use the prefix for their own; only what looks like a slip is refused.
    if (nearest(variable, names(Key::variable)).isPresent()) {
      throw unknown(variable, "environment variable", names(Key::variable));
    }
  }

  private static void put(Map<Key, Setting> settings, Key key, String value, String origin) {
    try {
      if (value.isBlank()) {
        throw new IllegalArgumentException("expected a value, got none");
      }
      check(key, value);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(key.property() + " (" + origin + "): " + e.getMessage(), e);
    }
    settings.put(key, new Setting(value.strip(), origin));
  }

  @SuppressWarnings("CheckReturnValue") // read to see whether it can be read
  private static void check(Key key, String value) {
    switch (key) {
      case MODEL, BACKEND -> {}
      case DEVICE -> parseDevices(value);
      case PRECISION -> Precision.parse(value);
      case OUTPUTS -> parseOutputs(value);
      case THREADS,
          MAX_LENGTH,
          TOKEN_BUDGET,
          TOKENIZER_THREADS,
          MAX_WAITING_TOKENS,
          SERVER_MAX_TEXTS,
          SERVER_MAX_CHARACTERS,
          SERVER_MAX_REQUESTS,
          SERVER_MAX_WAITING_TOKENS ->
          positive(value);
      case TRUNCATION -> Truncation.parse(value);
      case CALIBRATE, SERVER_INSECURE, SERVER_ACCESS_LOG -> parseBoolean(value);
      case SERVER_MAX_BODY -> parseSize(value);
      case SERVER_PORT -> parsePort(value);
      case SERVER_API_KEYS -> parseDigests(value);
      case SERVER_HOST,
          SERVER_INDEX,
          SERVER_SPARSE_FORM,
          SERVER_TLS_CERTIFICATE,
          SERVER_TLS_KEY,
          SERVER_CORS_ORIGINS -> {}
      case OVERLOAD -> Overload.parse(value);
      case MAX_WAIT,
          BATCH_TIMEOUT,
          CLOSE_TIMEOUT,
          SERVER_TIMEOUT,
          SERVER_READ_TIMEOUT,
          SERVER_READY_WITHIN,
          SERVER_SHUTDOWN_TIMEOUT ->
          duration(value);
    }
  }

  private static List<String> names(Function<Key, String> name) {
    List<String> names = new ArrayList<>();
    for (Key key : Key.values()) {
      names.add(name.apply(key));
    }
    return names;
  }

  private static ConfigException unknown(String name, String origin, List<String> known) {
    return new ConfigException(
        "Unknown setting "
            + name
            + " ("
            + origin
            + ")"
            + nearest(name, known).map(n -> "; did you mean " + n + "?").orElse("")
            + " Known: "
            + String.join(", ", known));
  }

  private static Optional<String> nearest(String name, List<String> known) {
    return known.stream()
        .filter(k -> editDistance(k, name) <= 2)
        .min((a, b) -> Integer.compare(editDistance(a, name), editDistance(b, name)));
  }

  /** Levenshtein's distance, row by row. */
  private static int editDistance(String a, String b) {
    int[] row = new int[b.length() + 1];
    Arrays.setAll(row, i -> i);
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitution = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substitution, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
