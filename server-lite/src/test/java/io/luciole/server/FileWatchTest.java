package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is loaded again, and when. */
@Timeout(60)
class FileWatchTest {
  @TempDir Path folder;
  private final List<String> loaded = new CopyOnWriteArrayList<>();

  private void load(Path file) {
    try {
      String text = Files.readString(file);
      loaded.add(text);
      if (text.startsWith("broken")) {
        throw new ConfigException("expected nothing broken");
      }
      if (text.startsWith("fault")) {
        throw new IllegalStateException("a fault of the program's");
      }
    } catch (IOException e) {
      loaded.add("unreadable");
      throw new ConfigException("cannot read", e);
    }
  }

  @Test
  void everyChange_isLoaded_andAFailureEndsNothing() throws IOException {
    Path file = Files.writeString(folder.resolve("a"), "first");
    Path other = Files.writeString(folder.resolve("b"), "same");
    try (FileWatch watch = new FileWatch(Duration.ofMillis(10))) {
      watch.add("a", List.of(file), () -> load(file));
      watch.add("b", List.of(other), () -> load(other));
      watch.start();
      for (String text : List.of("broken file", "second", "fault of ours", "third one")) {
        Files.writeString(file, text);
        await().until(() -> loaded.contains(text));
      }
      Files.delete(file);
      await().until(() -> loaded.contains("unreadable"));
      // As Kubernetes mounts secrets: a link that is exchanged for another.
      Path target = Files.writeString(folder.resolve("target"), "by a link");
      Files.createSymbolicLink(file, target);
      await().until(() -> loaded.contains("by a link"));
      assertThat(loaded).doesNotContain("first", "same");
    }
  }
}
