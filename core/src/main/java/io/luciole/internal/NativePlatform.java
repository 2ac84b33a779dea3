package io.luciole.internal;

import java.util.Locale;

/** The platform that native libraries are built for, in the words of most artifacts. */
public final class NativePlatform {
  private NativePlatform() {}

  /** This process's, such as {@code linux-x86_64}, {@code osx-aarch64} or {@code win-x86_64}. */
  public static String name() {
    String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String os = name.startsWith("win") ? "win" : name.startsWith("mac") ? "osx" : "linux";
    String arch = System.getProperty("os.arch", "");
    return os + "-" + (arch.equals("amd64") ? "x86_64" : arch);
  }
}
