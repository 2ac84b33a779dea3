package io.luciole.spring.boot;

import io.luciole.Key;
import io.luciole.LucioleConfig;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;

/**
 * Reads the settings that Luciole knows from Spring's environment, with its precedence, its relaxed
 * names and its lists. What an application's own sources say under {@code luciole.} and no setting
 * has, is refused; the environment's variables and system properties are everybody's, and names
 * that are not known there are left out.
 */
final class EnvironmentSettings {
  private static final ConfigurationPropertyName ROOT = ConfigurationPropertyName.of("luciole");

  private static final Set<String> OF_PROCESS =
      Set.of(
          StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
          StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME);

  private EnvironmentSettings() {}

  /**
   * @param more the settings of a backend that is a bean
   * @throws io.luciole.ConfigException if settings are unknown or have invalid values
   */
  static LucioleConfig read(
      ConfigurableEnvironment environment, Collection<? extends Key<?>> more) {
    List<Key<?>> known = new ArrayList<>(LucioleConfig.knownKeys());
    known.addAll(more);
    Map<String, String> values = new TreeMap<>();
    addUnknown(values, environment, known);
    Binder binder = Binder.get(environment);
    for (Key<?> key : known) {
      if (key.scope() == Key.Scope.EVERYWHERE) {
        value(binder, key.name()).ifPresent(value -> values.put(key.name(), value));
      }
    }
    return LucioleConfig.of(values, more);
  }

  private static Optional<String> value(Binder binder, String name) {
    Optional<String> text = Optional.ofNullable(binder.bind(name, String.class).orElse(null));
    return text.or(() ->
        Optional.ofNullable(binder.bind(name, Bindable.listOf(String.class)).orElse(null))
            .map(list -> String.join(",", list)));
  }

  private static void addUnknown(
      Map<String, String> values, ConfigurableEnvironment environment, List<Key<?>> known) {
    List<ConfigurationPropertyName> names =
        known.stream()
            .filter(key -> key.scope() == Key.Scope.EVERYWHERE)
            .map(key -> ConfigurationPropertyName.of(key.name()))
            .toList();
    for (PropertySource<?> source : environment.getPropertySources()) {
      if (source instanceof EnumerablePropertySource<?> listed
          && !OF_PROCESS.contains(source.getName())) {
        for (String name : listed.getPropertyNames()) {
          ConfigurationPropertyName canonical = canonical(name);
          if (ROOT.isAncestorOf(canonical)
              && names.stream().noneMatch(each -> covers(each, canonical))) {
            values.put(canonical.toString(), String.valueOf(listed.getProperty(name)));
          }
        }
      }
    }
  }

  /** Whether a name is the setting's, or that of an element of its list. */
  private static boolean covers(ConfigurationPropertyName setting, ConfigurationPropertyName name) {
    return setting.equals(name) || (setting.isParentOf(name) && name.isLastElementIndexed());
  }

  private static ConfigurationPropertyName canonical(String name) {
    return ConfigurationPropertyName.adapt(name, '.');
  }
}
