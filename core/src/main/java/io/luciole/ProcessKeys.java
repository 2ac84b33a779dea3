package io.luciole;

import io.luciole.Key.Scope;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Settings of a whole process, which are read before there is a {@link LucioleConfig}. */
public final class ProcessKeys {
  /** The configuration file. */
  public static final Key<Optional<Path>> CONFIG =
      Key.optional(
          "luciole.config",
          ValueParser.path(),
          "luciole.properties in the working directory",
          "The configuration file.",
          Scope.PROCESS);

  /** The folder for what can be made or fetched again. */
  public static final Key<Optional<Path>> CACHE =
      Key.optional(
          "luciole.cache",
          ValueParser.path(),
          "luciole in $XDG_CACHE_HOME or in ~/.cache",
          "The folder for models that were fetched, their digests, measured token budgets, and native"
              + " libraries unpacked from jars.",
          Scope.PROCESS);

  /** Whether to refuse connections to model hubs. */
  public static final Key<Optional<String>> OFFLINE =
      Key.optional(
          "luciole.offline",
          ValueParser.oneOf("1", "true", "yes", "on", "0", "false", "no", "off"),
          "not set",
          "`1`, `true`, `yes` or `on`: `luciole pull` opens no connection.",
          Scope.ENVIRONMENT);

  /** Whether the command logs in detail. */
  public static final Key<Optional<String>> DEBUG =
      variable("luciole.debug", "Anything but `0`: the command logs as with `--verbose`.");

  /** How the command was called. */
  public static final Key<Optional<String>> COMMAND =
      variable("luciole.command", "Set by the script `luciole`: how it was called.");

  /** All of these and those that no Java code reads, in the order in which they are shown. */
  static final List<Key<?>> ALL =
      List.of(
          CONFIG,
          CACHE,
          OFFLINE,
          DEBUG,
          variable(
              "luciole.cuda-verbose",
              "Anything: the CUDA library says on standard error which kernels it loaded."),
          variable("luciole.java-opts", "Options for the JVM that the script `luciole` starts."),
          variable(
              "luciole.profiles",
              "Maven profiles that the script `luciole` builds with, separated by commas: `djl`,"
                  + " `djl-cuda12` and `cuda13` add backends and devices (docs/backends.md)."),
          variable("luciole.mvn", "`wrapper`: the scripts build with the Maven that `mvnw` names."),
          COMMAND);

  private ProcessKeys() {}

  private static Key<Optional<String>> variable(String name, String doc) {
    return Key.optional(name, ValueParser.text(), "not set", doc, Scope.ENVIRONMENT);
  }
}
