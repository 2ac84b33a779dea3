package io.luciole.internal;

import org.jspecify.annotations.Nullable;

/** DJL's own settings, as DJL reads them: from the environment, then from system properties. */
public final class DjlSettings {
  private DjlSettings() {}

  /** The value of a setting, or null if it is not set. */
  public static @Nullable String get(String name) {
    String value = System.getenv(name);
    return value != null ? value : System.getProperty(name);
  }

  /** Sets a system property, for the whole process, unless the setting is set. */
  public static void setUnlessSet(String name, String value) {
    if (get(name) == null) {
      System.setProperty(name, value);
    }
  }
}
