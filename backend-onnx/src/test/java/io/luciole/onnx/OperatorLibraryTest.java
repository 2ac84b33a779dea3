package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.luciole.internal.CacheFolder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class OperatorLibraryTest {
  @Test
  void libraries_areKeptInTheCacheFolder_sinceAKilledJvmDeletesNoTemporaryFile() {
    for (OperatorLibrary library : List.of(OperatorLibrary.CPU, OperatorLibrary.CUDA)) {
      assumeThat(library.obstacle()).isNull();
      Path file = Path.of(library.path());

      assertThat(file).isRegularFile().startsWith(CacheFolder.path().toAbsolutePath());
      assertThat(library.path()).isEqualTo(file.toString());
    }
  }
}
