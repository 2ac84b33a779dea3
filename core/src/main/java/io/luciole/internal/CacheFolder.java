package io.luciole.internal;

import io.luciole.ProcessKeys;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The folder for what can be made or fetched again: models, digests, calibrations, natives. */
public final class CacheFolder {
  private CacheFolder() {}

  /**
   * The folder: the system property {@code luciole.cache}, or the environment's {@code
   * LUCIOLE_CACHE}, or {@code $XDG_CACHE_HOME/luciole}, or {@code ~/.cache/luciole}.
   *
   * @return the path; the folder may not exist yet
   */
  public static Path path() {
    String set =
        firstSet(
            System.getProperty(ProcessKeys.CACHE.name()),
            System.getenv(ProcessKeys.CACHE.variable()));
    if (set != null) {
      return Path.of(set);
    }
    String xdg = firstSet(System.getenv("XDG_CACHE_HOME"), null);
    return xdg != null
        ? Path.of(xdg, "luciole")
        : Path.of(System.getProperty("user.home"), ".cache", "luciole");
  }

  private static @Nullable String firstSet(@Nullable String a, @Nullable String b) {
    return a != null && !a.isBlank() ? a : b != null && !b.isBlank() ? b : null;
  }
}
