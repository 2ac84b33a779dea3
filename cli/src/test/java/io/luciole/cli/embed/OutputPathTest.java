package io.luciole.cli.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.cli.embed.OutputPath.Named;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class OutputPathTest {
  @TempDir private Path folder;

  /** A shell gives {@code >(command)} such a name, and a pipeline {@code /dev/stdout}. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void of_pipeThatOnlyADescriptorNames_isThatName() throws Exception {
    Process reader = new ProcessBuilder("cat").start();
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      List<Path> pipes = open.filter(OutputPathTest::isPipe).toList();
      assertThat(pipes).isNotEmpty();
      for (Path pipe : pipes) {
        assertThat(OutputPath.of(pipe)).isEqualTo(pipe);
        assertThat(OutputPath.isStream(pipe)).isTrue();
      }
    } finally {
      reader.outputWriter().close();
      assertThat(reader.waitFor()).isZero();
    }
  }

  private static boolean isPipe(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith("pipe:");
    } catch (IOException e) {
      // Closed in the meantime.
      return false;
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void of_link_isTheFileItLeadsTo() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("file"));
    assertThat(OutputPath.of(link)).isEqualTo(folder.resolve("file"));
    Path toFolder = Files.createSymbolicLink(folder.resolve("to folder"), folder);
    assertThatThrownBy(() -> OutputPath.of(toFolder))
        .isInstanceOf(IOException.class)
        .hasMessage("expected a file, found the folder " + toFolder);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void requireOthers_oneFileByTwoNames_isRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "kept");
    Path hard = Files.createLink(folder.resolve("hard"), file);
    Path soft = Files.createSymbolicLink(folder.resolve("soft"), file);
    for (Path name : List.of(file, hard, soft)) {
      assertRefused(file, name);
      assertRefused(name, file);
    }
    Path toFolder = Files.createSymbolicLink(folder.resolve("to folder"), folder);
    Path none = folder.resolve("none");
    Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), Path.of("none"));
    for (Path name : List.of(none, dangling, toFolder.resolve("none"))) {
      assertRefused(none, name);
    }
  }

  private static void assertRefused(Path written, Path other) {
    Named one = new Named("--one", written);
    Named two = new Named("--two", other);
    assertThatThrownBy(() -> OutputPath.requireOthers(List.of(one), List.of(two)))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "Expected --one to overwrite no file that --two names, found "
                + written
                + ". Name another file for --one.");
    assertThatThrownBy(() -> OutputPath.requireOthers(List.of(two, one), List.of()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Expected --one to overwrite no file that --two names");
  }

  @Test
  void requireOthers_otherFilesAndStreams_areAccepted() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "kept");
    List<Named> written =
        List.of(new Named("--one", folder.resolve("a")), new Named("--two", folder.resolve("b")));
    OutputPath.requireOthers(
        written,
        List.of(new Named("--in", file), new Named("--in", folder.resolve("no").resolve("a"))));
    Path nothing = Path.of("/dev/null");
    OutputPath.requireOthers(
        List.of(new Named("--one", nothing), new Named("--two", nothing)), List.of());
  }
}
