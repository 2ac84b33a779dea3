package io.luciole.internal;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where Luciole keeps what it can make or fetch again: models, digests, calibration. */
public final class CacheFolder {
  private CacheFolder() {}

  /**
   * The folder: the system property {@code luciole.cache}, or the environment's {@code
   * LUCIOLE_CACHE}, or {@code $XDG_CACHE_HOME/luciole}, or {@code ~/.cache/luciole}. It may not
   * exist yet.
   */
  public static Path path() {
    String set = firstSet(System.getProperty("luciole.cache"), System.getenv("LUCIOLE_CACHE"));
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
