package io.luciole.server.clients;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Scripts that run on Node, with the packages of src/test/js/package.json. */
final class Node {
  private static final Path SCRIPTS = Path.of("src/test/js").toAbsolutePath();

  /** Where the scripts and their packages lie. */
  static final Path WORK = Path.of("target/node").toAbsolutePath();

  private Node() {}

  /** Installs the scripts; without Node the tests are skipped. */
  static void install() throws IOException, InterruptedException {
    assumeTrue(
        Programs.onPath("node").isPresent() && Programs.onPath("npm").isPresent(),
        "no node and npm here");
    Files.createDirectories(WORK);
    try (Stream<Path> files = Files.list(SCRIPTS)) {
      for (Path file : files.toList()) {
        Files.copy(file, WORK.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error");
  }

  /** Runs a program among the scripts; fails if its status is not 0, with what it printed. */
  static String run(String... command) throws IOException, InterruptedException {
    return Programs.run(WORK, List.of(command));
  }

  /** The browser that {@code CHROMIUM} names or that is on the path; else the test is skipped. */
  static String chromium() {
    Optional<Path> chromium =
        Optional.ofNullable(System.getenv("CHROMIUM"))
            .map(Path::of)
            .or(() -> Programs.onPath("chromium", "chromium-browser", "google-chrome"));
    assumeTrue(chromium.isPresent(), "no Chromium here");
    return chromium.orElseThrow().toString();
  }
}
