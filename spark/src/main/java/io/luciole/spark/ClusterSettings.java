package io.luciole.spark;

import java.util.Map;
import java.util.TreeMap;

/**
 * Luciole's settings in Spark's configuration: {@code spark.luciole.model} there is {@code
 * luciole.model} here, since {@code spark-submit} passes on only what begins with {@code spark.}.
 */
final class ClusterSettings {
  private static final String PREFIX = "spark.";
  private static final String OURS = PREFIX + "luciole.";

  private ClusterSettings() {}

  /** Takes Luciole's settings out of Spark's. */
  static Map<String, String> of(Map<String, String> configuration) {
    Map<String, String> settings = new TreeMap<>();
    configuration.forEach((name, value) -> {
      if (name.startsWith(OURS)) {
        settings.put(name.substring(PREFIX.length()), value);
      }
    });
    return settings;
  }
}
