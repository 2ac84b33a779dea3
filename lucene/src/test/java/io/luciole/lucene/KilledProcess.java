package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A process that writes to an index until it is killed. */
final class KilledProcess {
  private KilledProcess() {}

  /**
   * Starts a program with a folder as its argument, which prints {@code started} and little else,
   * and kills it some time after that, unless it has ended.
   */
  static void run(Class<?> program, Path folder, int milliseconds)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (var out = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("started");
      process.waitFor(milliseconds, TimeUnit.MILLISECONDS);
      process.destroyForcibly().waitFor();
    }
  }
}
