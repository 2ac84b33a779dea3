package io.luciole.cli;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** System properties for the time of a call. */
final class Properties {
  private Properties() {}

  static <T> T with(Map<String, String> properties, Supplier<T> call) {
    Map<String, Optional<String>> before = new HashMap<>();
    for (String key : properties.keySet()) {
      before.put(key, Optional.ofNullable(System.getProperty(key)));
    }
    properties.forEach(System::setProperty);
    try {
      return call.get();
    } finally {
      before.forEach((key, value) ->
          value.ifPresentOrElse(v -> System.setProperty(key, v), () -> System.clearProperty(key)));
    }
  }
}
