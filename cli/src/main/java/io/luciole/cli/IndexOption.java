package io.luciole.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The flag that names the index of a command that reads one. */
final class IndexOption {
  @Option(
      names = "--index",
      paramLabel = "DIR",
      required = true,
      description = "The index's folder.")
  private Path folder = Path.of("");

  /** The index's folder. */
  Path folder() {
    return folder;
  }
}
