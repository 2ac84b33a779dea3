package io.luciole.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir private Path folder;

  @Test
  void write_newAndExistingFile_holdsTheContentAndNothingStaysBeside() throws IOException {
    Path file = folder.resolve("file");
    for (String text : List.of("first, which is longer", "second")) {
      AtomicFiles.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));

      assertThat(file).hasContent(text);
      assertThat(names()).containsExactly("file");
    }
  }

  @Test
  void write_contentThatFailsInTheMiddle_leavesTheOldFileAndNothingBeside() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");

    assertThatThrownBy(() ->
            AtomicFiles.write(
                file,
                out -> {
                  out.write(new byte[1 << 20]);
                  // The old file can be read while the new one is written.
                  assertThat(file).hasContent("old");
                  throw new IOException("the disk is full");
                }))
        .isInstanceOf(IOException.class)
        .hasMessage("the disk is full");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("file");
  }

  @Test
  void write_moveThatFails_leavesNothingBeside() throws IOException {
    // A folder that is not empty cannot be replaced by a file.
    Path taken = Files.createDirectory(folder.resolve("taken"));
    Files.writeString(taken.resolve("inside"), "x");

    assertThatThrownBy(() -> AtomicFiles.write(taken, out -> out.write(1)))
        .isInstanceOf(IOException.class);
    assertThat(taken.resolve("inside")).hasContent("x");
    assertThat(names()).containsExactly("taken");
  }

  @Test
  void write_partThatACrashLeft_isNoObstacle() throws IOException {
    Path file = folder.resolve("file");
    Files.writeString(folder.resolve(".file.1x0.part"), "half");

    AtomicFiles.write(file, out -> out.write('n'));

    assertThat(file).hasContent("n");
  }

  @Test
  void write_fileInTheWorkingFolder_needsNoParentInItsPath() throws IOException {
    Path file = Path.of("atomic-files-test.tmp");
    try {
      AtomicFiles.write(file, out -> out.write('n'));
      assertThat(file).hasContent("n");
    } finally {
      Files.deleteIfExists(file);
    }
  }

  @Test
  void write_byManyThreads_isNeverSeenInPart() throws Exception {
    Path file = folder.resolve("file");
    int size = 200_000;
    AtomicFiles.write(file, out -> out.write(new byte[size]));
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<?>> writers = new ArrayList<>();
      for (int i = 1; i <= 4; i++) {
        byte[] content = new byte[size];
        Arrays.fill(content, (byte) i);
        writers.add(
            threads.submit(() -> {
              for (int n = 0; n < 20; n++) {
                AtomicFiles.write(file, out -> out.write(content));
              }
              return null;
            }));
      }
      while (!writers.stream().allMatch(Future::isDone)) {
        byte[] seen = Files.readAllBytes(file);
        assertThat(seen).hasSize(size);
        assertThat(seen[size - 1]).isEqualTo(seen[0]);
      }
      for (Future<?> writer : writers) {
        writer.get();
      }
    }
    assertThat(names()).containsExactly("file");
  }

  @Test
  void publish_partOverOldFile_replacesIt() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Path part = Files.writeString(folder.resolve("file.part"), "new");

    AtomicFiles.publish(part, file);

    assertThat(file).hasContent("new");
    assertThat(names()).containsExactly("file");
  }

  @Test
  void publish_partThatIsNotThere_leavesTheOldFile() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");

    assertThatThrownBy(() -> AtomicFiles.publish(folder.resolve("no.part"), file))
        .isInstanceOf(IOException.class);
    assertThat(file).hasContent("old");
  }

  @Test
  void move_whereNoAtomicMoveIsPossible_replacesAllTheSame() throws IOException {
    // Files of different file systems cannot be moved in one step.
    Path zip = folder.resolve("zip.zip");
    Path part = Files.writeString(folder.resolve("part"), "new");
    try (FileSystem other = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      Path file = Files.writeString(other.getPath("/file"), "old");

      AtomicFiles.move(part, file);

      assertThat(Files.readString(file)).isEqualTo("new");
    }
    assertThat(part).doesNotExist();
  }

  @Test
  void force_fileFolderAndNothing_failsOnlyForNothing() throws IOException {
    AtomicFiles.force(Files.writeString(folder.resolve("file"), "x"));
    AtomicFiles.force(folder);

    assertThatThrownBy(() -> AtomicFiles.force(folder.resolve("no")))
        .isInstanceOf(IOException.class);
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }
}
