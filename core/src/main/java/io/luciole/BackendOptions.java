package io.luciole;

import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** The settings that a backend declares, from the configuration and from the builder. */
final class BackendOptions {
  private BackendOptions() {}

  /**
   * The values for a backend.
   *
   * @param given what the builder was given, stronger than the configuration
   * @return values as written, by the settings' names
   * @throws ConfigException if the backend has no such settings, or values are invalid
   */
  static Map<String, String> of(
      BackendProvider provider, LucioleConfig config, Map<String, String> given) {
    KnownKeys known = KnownKeys.of(provider.options());
    Map<String, String> values = new HashMap<>();
    List<String> problems = new ArrayList<>();
    for (Key<?> key : provider.options()) {
      config.setting(key).ifPresent(s -> put(key, s.value(), s.origin(), values, problems));
    }
    given.forEach((name, value) -> {
      Optional<Key<?>> key = known.find(Key::name, name);
      String origin = "option of the engine's builder for the backend " + provider.name();
      if (key.isPresent()) {
        put(key.get(), value, origin, values, problems);
      } else if (KnownKeys.onClassPath(List.of()).find(Key::name, name).isPresent()) {
        problems.add(
            name
                + " ("
                + origin
                + ") is not a setting of this backend: set it by the builder's own method, or in"
                + " the LucioleConfig that EmbeddingEngine.builder gets");
      } else {
        problems.add(known.unknown(Key::name, name, origin));
      }
    });
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
    return values;
  }

  /**
   * The values that vectors depend on, without those that are the defaults.
   *
   * @param config with the values of all settings
   * @return values as written, by the settings' names, in the order of these
   */
  static SortedMap<String, String> ofVectors(BackendProvider provider, BackendConfig config) {
    SortedMap<String, String> values = new TreeMap<>();
    for (Key<?> key : provider.optionsOfVectors()) {
      String value = config.options().get(key.name());
      if (value != null && !config.option(key).equals(key.defaultValue())) {
        values.put(key.name(), value);
      }
    }
    return values;
  }

  private static void put(
      Key<?> key, String value, String origin, Map<String, String> values, List<String> problems) {
    try {
      key.parse(value);
      values.put(key.name(), value.strip());
    } catch (IllegalArgumentException e) {
      problems.add(key.name() + " (" + origin + "): " + e.getMessage());
    }
  }
}
