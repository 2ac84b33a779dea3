package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.Utf8Text;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Settings from outside the code. {@link #load()} reads, in order of increasing strength:
 *
 * <ol>
 *   <li>{@code luciole.properties} in the working directory, or the file that the system property
 *       {@code luciole.config} or the environment's {@code LUCIOLE_CONFIG} names, in UTF-8;
 *   <li>the environment: {@code LUCIOLE_TOKEN_BUDGET} for {@code luciole.token-budget};
 *   <li>system properties: {@code -Dluciole.token-budget=8192}.
 * </ol>
 *
 * <p>Known settings are those of the engine ({@link EngineKeys}) and those that backends and other
 * modules on the class path declare. Unknown keys and invalid values throw one {@link
 * ConfigException}, which names each with its source and the closest known key. An unknown system
 * property alone is no more than warned of by {@link EngineBuilder}, once: all programs of a JVM
 * share these, so that it may be an application's own. That holds for names that begin with {@code
 * luciole.} or {@code LUCIOLE_}; all others are ignored. So are three kinds of names of ours:
 * settings of the ONNX backend, the index and the server where these are not on the class path, so
 * that processes may share a file; names for this project's tests; and variables that Kubernetes
 * sets for a service named {@code luciole}.
 *
 * <p>Immutable.
 */
public final class LucioleConfig {
  /**
   * One setting and where it came from.
   *
   * @param value the value as written, without white space around it
   * @param origin for people: a file, an environment variable, a system property
   */
  public record Setting(String value, String origin) {}

  private static final String VARIABLES = "LUCIOLE_";

  private final KnownKeys known;
  private final Map<String, Setting> settings;

  /** One message for each system property that is no setting. */
  private final List<String> unknownProperties;

  private LucioleConfig(
      KnownKeys known, Map<String, Setting> settings, List<String> unknownProperties) {
    this.known = known;
    this.settings = Collections.unmodifiableMap(settings);
    this.unknownProperties = List.copyOf(unknownProperties);
  }

  /**
   * Reads the settings of this process.
   *
   * @return the settings
   * @throws ConfigException if settings are unknown or have invalid values, or the named file
   *     cannot be read
   */
  public static LucioleConfig load() {
    return load(List.of());
  }

  /**
   * Reads the settings of this process, where more are known than those of the class path.
   *
   * @param more the settings of a backend that is handed to {@link EngineBuilder#backend the
   *     builder}
   * @return the settings
   * @throws ConfigException as {@link #load()} does
   */
  public static LucioleConfig load(Collection<? extends Key<?>> more) {
    return load(Path.of(""), System.getenv(), System.getProperties(), more);
  }

  /** As {@link #load()}, from a given working directory, environment and system properties. */
  static LucioleConfig load(
      Path directory,
      Map<String, String> environment,
      Properties system,
      Collection<? extends Key<?>> more) {
    Sources sources = new Sources(KnownKeys.onClassPath(more));
    Optional<String> named =
        Optional.ofNullable(
                system.getProperty(
                    ProcessKeys.CONFIG.name(), environment.get(ProcessKeys.CONFIG.variable())))
            .filter(name -> !name.isBlank());
    Path file = named.map(Path::of).orElse(directory.resolve("luciole.properties"));
    if (named.isPresent() || Files.isRegularFile(file)) {
      sources.addFile(file);
    }
    sources.addEnvironment(environment);
    Map<String, String> properties = new TreeMap<>();
    for (String name : system.stringPropertyNames()) {
      properties.put(name, requireNonNull(system.getProperty(name)));
    }
    sources.addProperties(properties, "system property", true);
    return sources.config();
  }

  /**
   * Settings given as properties, {@code luciole.backend=onnx}, and nothing from the process.
   *
   * @param properties names and values
   * @return the settings
   * @throws ConfigException if settings are unknown or have invalid values
   */
  public static LucioleConfig of(Map<String, String> properties) {
    return of(properties, List.of());
  }

  /**
   * Settings given as properties, where more are known than those of the class path.
   *
   * @param properties names and values
   * @param more the settings of a backend that is handed to {@link EngineBuilder#backend the
   *     builder}
   * @return the settings
   * @throws ConfigException if settings are unknown or have invalid values
   */
  public static LucioleConfig of(
      Map<String, String> properties, Collection<? extends Key<?>> more) {
    Sources sources = new Sources(KnownKeys.onClassPath(more));
    sources.addProperties(new TreeMap<>(properties), "given properties", false);
    return sources.config();
  }

  /**
   * A copy in which some settings have other values. It knows the settings that this one does.
   *
   * @param properties names and values, which override those of this configuration
   * @return the changed copy
   * @throws ConfigException if settings are unknown or have invalid values
   */
  public LucioleConfig with(Map<String, String> properties) {
    Sources sources = new Sources(known);
    sources.settings.putAll(settings);
    sources.unknownProperties.addAll(unknownProperties);
    sources.addProperties(new TreeMap<>(properties), "given properties", false);
    return sources.config();
  }

  /**
   * The settings there are: the engine's, those of the backends and modules on the class path, and
   * those of the process.
   *
   * @return the keys, in the order in which they are shown
   */
  public static List<Key<?>> knownKeys() {
    return KnownKeys.onClassPath(List.of()).keys();
  }

  /**
   * The value in effect.
   *
   * @param <T> the type of the value
   * @param key which setting
   * @return the value that was set, or else the key's default
   */
  public <T> T get(Key<T> key) {
    return setting(key).map(setting -> key.parse(setting.value)).orElse(key.defaultValue());
  }

  /**
   * The value that was set.
   *
   * @param key which setting
   * @return the value as written and its origin, or empty if the default holds
   */
  public Optional<Setting> setting(Key<?> key) {
    return Optional.ofNullable(settings.get(key.name()));
  }

  /**
   * All settings that were made.
   *
   * @return values and origins by the settings' names, in alphabetical order; it cannot be changed
   */
  public Map<String, Setting> settings() {
    return settings;
  }

  /**
   * Refuses unknown system properties too, for a process that is Luciole's alone, such as its
   * command.
   *
   * @return this configuration
   * @throws ConfigException if there are such properties
   */
  public LucioleConfig requireKnown() {
    if (!unknownProperties.isEmpty()) {
      throw new ConfigException(unknownProperties);
    }
    return this;
  }

  /** What {@link #requireKnown} would refuse. */
  List<String> unknownProperties() {
    return unknownProperties;
  }

  /** Gathers settings, weaker sources first, and everything that is wrong with them. */
  private static final class Sources {
    private final KnownKeys known;
    private final Map<String, Setting> settings = new TreeMap<>();
    private final List<String> problems = new ArrayList<>();
    private final List<String> unknownProperties = new ArrayList<>();

    Sources(KnownKeys known) {
      this.known = known;
    }

    LucioleConfig config() {
      if (!problems.isEmpty()) {
        problems.addAll(unknownProperties);
        throw new ConfigException(problems);
      }
      return new LucioleConfig(known, settings, unknownProperties);
    }

    void addFile(Path file) {
      Properties properties = new Properties();
      try {
        properties.load(new StringReader(Utf8Text.read(file)));
      } catch (IOException | IllegalArgumentException e) {
        problems.add("Cannot read the configuration file " + file + ": " + e);
        return;
      }
      Map<String, String> map = new TreeMap<>();
      properties.stringPropertyNames().forEach(n -> map.put(n, properties.getProperty(n, "")));
      addProperties(map, file.toString(), false);
    }

    /** Adds properties; those of the process, and only those, may set the process's keys. */
    void addProperties(Map<String, String> properties, String origin, boolean ofProcess) {
      properties.forEach((name, value) -> {
        if (Key.isOurs(name)) {
          add(name, value, origin, Key::name, UnaryOperator.identity(), ofProcess);
        }
      });
    }

    void addEnvironment(Map<String, String> environment) {
      new TreeMap<>(environment)
          .forEach((name, value) -> {
            if (name.startsWith(VARIABLES)) {
              add(name, value, "environment variable", Key::variable, Key::variable, true);
            }
          });
    }

    private void add(
        String name,
        String value,
        String origin,
        Function<Key<?>, String> spelling,
        Function<String, String> spelled,
        boolean ofProcess) {
      Optional<Key<?>> found = known.find(spelling, name);
      if (found.isPresent()) {
        Key<?> key = found.get();
        boolean isVariable = key.variable().equals(name);
        boolean isRead = isVariable || (ofProcess && key.scope() == Key.Scope.PROCESS);
        if (key.scope() == Key.Scope.EVERYWHERE || (isRead && !value.isBlank())) {
          put(key, value, origin + " " + name);
        } else if (!isRead) {
          problems.add(
              name
                  + " ("
                  + origin
                  + "): expected it as the environment variable "
                  + key.variable()
                  + (key.scope() == Key.Scope.PROCESS ? " or a system property" : "")
                  + ", where it is read; it has no effect here");
        }
      } else if (known.missingModule(spelled, name).isPresent()) {
        settings.put(name, new Setting(value.strip(), origin + " " + name));
      } else if (!KnownKeys.isForTests(spelled, name) && !KnownKeys.isKubernetes(name, value)) {
        boolean shared = ofProcess && Key.isOurs(name);
        (shared ? unknownProperties : problems).add(known.unknown(spelling, name, origin));
      }
    }

    private void put(Key<?> key, String value, String origin) {
      try {
        requireNonNull(key.parse(value));
        settings.put(key.name(), new Setting(value.strip(), origin));
      } catch (IllegalArgumentException e) {
        problems.add(key.name() + " (" + origin + "): " + e.getMessage());
      }
    }
  }
}
