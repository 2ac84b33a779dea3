package io.luciole.server.clients;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The folder of testkit's small model in BGE-M3's layout, with random weights. */
final class MiniM3 {
  private MiniM3() {}

  static Path unpack(Path folder) throws IOException {
    Path model = Files.createDirectories(folder.resolve("mini-m3"));
    for (String name :
        new String[] {
          "config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "model.safetensors",
          "sparse_linear.pt",
          "colbert_linear.pt"
        }) {
      try (InputStream in = MiniM3.class.getResourceAsStream("/mini-m3/" + name)) {
        if (in == null) {
          throw new IllegalStateException("the testkit has no mini-m3/" + name);
        }
        Files.copy(in, model.resolve(name));
      }
    }
    return model;
  }
}
