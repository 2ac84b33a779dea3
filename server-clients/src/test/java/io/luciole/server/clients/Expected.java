package io.luciole.server.clients;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What clients must get, as a file that their scripts read. */
final class Expected {
  private static final List<String> TEXTS =
      List.of("Fireflies glow at night: 大阪, 🐝.", "Bees dance.");

  private Expected() {}

  /** Writes two texts and the library's vectors of them, as passages and as queries. */
  static Path write(EmbeddingEngine engine, Path file) throws IOException {
    new ObjectMapper()
        .writeValue(
            file.toFile(),
            Map.of(
                "texts",
                TEXTS,
                "passages",
                vectors(engine, EmbedOptions.passage()),
                "queries",
                vectors(engine, EmbedOptions.query())));
    return file;
  }

  private static List<float[]> vectors(EmbeddingEngine engine, EmbedOptions options) {
    return TEXTS.stream().map(text -> engine.embed(text, options).join().dense()).toList();
  }
}
