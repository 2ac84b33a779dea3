package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.luciole.internal.CacheFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class OperatorLibraryTest {
  @Test
  void libraries_areKeptInTheCacheFolder_sinceAKilledJvmDeletesNoTemporaryFile()
      throws IOException {
    Path cache = Files.createDirectories(CacheFolder.path().toAbsolutePath());
    assumeThat(cache).as("a cache folder of one's own").isWritable();
    for (OperatorLibrary library : List.of(OperatorLibrary.CPU, OperatorLibrary.CUDA)) {
      assumeThat(library.obstacle()).isNull();
      Path file = Path.of(library.path());

      assertThat(file).isRegularFile().startsWith(cache);
      assertThat(library.path()).isEqualTo(file.toString());
    }
  }
}
