package io.luciole.onnx;

import io.luciole.model.EncoderWeights;
import io.luciole.model.ModelSource;
import io.luciole.spi.Precision;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Folders of models made of the fixtures. */
final class TestModels {
  /** The reference: BGE-M3's layout in small, outputs by FlagEmbedding. */
  static final Path MINI_M3 = MiniM3.folder();

  private TestModels() {}

  /** A folder with some of a model's files. */
  static Path copy(Path model, Path to, String... names) {
    try {
      Files.createDirectories(to);
      for (String name : names) {
        Files.copy(model.resolve(name), to.resolve(name));
      }
      return to;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A folder with all of mini-m3's files but some. */
  static Path miniM3Without(Path to, String... names) {
    List<String> without = List.of(names);
    try (Stream<Path> files = Files.list(MINI_M3)) {
      return copy(
          MINI_M3,
          to,
          files
              .map(f -> f.getFileName().toString())
              .filter(n -> !without.contains(n))
              .toArray(String[]::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether this build and processor have the kernels of {@link CpuLayers}, for mini-m3. */
  static boolean hasCpuKernels() {
    try (EncoderWeights weights = EncoderWeights.open(ModelSource.path(MINI_M3).resolve())) {
      return CpuLayers.obstacle(weights.config(), Precision.INT8, Processor.here()) == null;
    }
  }
}
