package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where processes keep native libraries. Each test starts JVMs with folders of their own. */
class NativeFoldersTest {
  private static final String EMBEDDED = "dense 384";

  @TempDir Path folder;
  private Path cache;
  private Path temporary;

  @BeforeEach
  void folders() throws IOException {
    cache = folder.resolve("cache");
    temporary = Files.createDirectory(folder.resolve("tmp"));
  }

  @Test
  void natives_areUnpackedOnce_andNothingIsLeftInTheTemporaryFolder() throws Exception {
    assertThat(run(List.of())).containsExactly(EMBEDDED);
    Map<Path, Long> unpacked = natives();

    assertThat(run(List.of())).containsExactly(EMBEDDED);

    assertThat(unpacked.keySet())
        .extracting(file -> String.valueOf(file.getFileName()))
        .contains(System.mapLibraryName("tokenizers"), System.mapLibraryName("onnxruntime"))
        .hasSizeGreaterThanOrEqualTo(3);
    assertThat(natives()).isEqualTo(unpacked);
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void cacheThatCannotBeWritten_isDoneWithout() throws Exception {
    Files.writeString(cache, "a file where a folder should be");

    List<String> lines = run(List.of());

    assertThat(lines).contains(EMBEDDED);
    assertThat(lines)
        .anySatisfy(line -> assertThat(line).contains("WARN").contains(cache.toString()));
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void noFolderThatCanBeWritten_isToldWithWhatToDo() throws Exception {
    Files.writeString(cache, "a file where a folder should be");
    Files.delete(temporary);
    // The model is elsewhere, so that the libraries alone need a folder.
    List<String> lines = run(List.of(), TestModels.MINI_M3.toString());

    assertThat(lines)
        .anySatisfy(line ->
            assertThat(line)
                .contains("The tokenizers cannot be loaded")
                .contains(cache.toString())
                .contains(temporary.toString())
                .contains("-Dluciole.cache")
                .contains("-Djava.io.tmpdir"));
  }

  @Test
  void noTemporaryFolder_isToldWithWhatToDo() throws Exception {
    Files.delete(temporary);

    assertThat(run(List.of()))
        .anySatisfy(line ->
            assertThat(line)
                .contains("ONNX Runtime cannot be loaded")
                .contains(temporary.toString())
                .contains("-Djava.io.tmpdir")
                .doesNotContain("class path"));
  }

  @Test
  void foldersOfTheApplications_areRespected() throws Exception {
    assertThat(run(List.of())).containsExactly(EMBEDDED);
    Path natives = cache.resolve("natives");
    Path elsewhere = folder.resolve("elsewhere");
    Files.move(natives, elsewhere);

    assertThat(
            run(
                List.of(
                    "-Donnxruntime.native.path=" + find(elsewhere, "onnxruntime").getParent(),
                    "-DRUST_LIBRARY_PATH=" + find(elsewhere, "tokenizers"))))
        .contains(EMBEDDED);
    if (Files.exists(natives)) { // luciole's own library alone
      try (Stream<Path> folders = Files.list(natives)) {
        assertThat(folders.map(Path::getFileName).map(String::valueOf))
            .allSatisfy(name -> assertThat(name).startsWith("luciole-cpu-"));
      }
    }
  }

  @Test
  void folderOfTheApplicationsWithoutTheLibrary_isToldWithWhatToDo() throws Exception {
    assertThat(run(List.of("-Donnxruntime.native.path=" + temporary)))
        .anySatisfy(line ->
            assertThat(line)
                .startsWith("Exception ")
                .contains("ONNX Runtime cannot be loaded: expected ")
                .contains(" in the folder that -Donnxruntime.native.path names, ")
                .contains(temporary.toString())
                .contains("leave the setting out"));
  }

  /** The file of a library beneath a folder. */
  private static Path find(Path folder, String library) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.endsWith(System.mapLibraryName(library)))
          .findFirst()
          .orElseThrow();
    }
  }

  /** The files of the cache with their times. */
  private Map<Path, Long> natives() throws IOException {
    Map<Path, Long> found = new TreeMap<>();
    try (Stream<Path> files = Files.walk(cache.resolve("natives"))) {
      files.filter(Files::isRegularFile).forEach(file -> found.put(file, modified(file)));
    }
    return found;
  }

  private static long modified(Path file) {
    try {
      return Files.getLastModifiedTime(file).toMillis();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The lines that the program and its log print, without the JVM's own warnings. */
  private List<String> run(List<String> options, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-Dluciole.cache=" + cache,
            "-Djava.io.tmpdir=" + temporary,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), OneText.class.getName()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    List<String> lines = process.inputReader().lines().toList();
    process.waitFor();
    return lines.stream().filter(line -> !line.startsWith("WARNING:")).toList();
  }
}
