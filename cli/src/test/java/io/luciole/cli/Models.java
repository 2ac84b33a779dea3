package io.luciole.cli;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.testkit.MiniM3;
import io.luciole.testkit.ModelLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Models on disk, for tests that damage or change them. */
final class Models {
  /** A tiny reranker with Transformers' scores. */
  static final Path RERANKER = Path.of("../backend-onnx/src/test/resources/reranker");

  private Models() {}

  /** The tiny reranker as a model's folder. */
  static Path reranker(Path folder) throws IOException {
    Files.createDirectories(folder);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(RERANKER.resolve(name), folder.resolve(name));
    }
    Files.copy(MiniM3.folder().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    return folder;
  }

  /** An ONNX export in floats, without its checkpoint. */
  static Path export(Path folder) throws IOException {
    return ModelLayout.all().stream()
        .filter(layout -> layout.name().equals("ONNX with last_hidden_state, mean"))
        .findAny()
        .orElseThrow()
        .writeTo(folder);
  }

  /** The starter model as a folder that describes itself. */
  static Path copyOfStarter(Path folder) throws IOException {
    ModelFiles starter = ModelSource.parse(ModelSource.STARTER).resolve();
    Files.createDirectories(folder);
    Files.copy(starter.tokenizer(), folder.resolve("tokenizer.json"));
    Files.copy(requireNonNull(starter.config()), folder.resolve("config.json"));
    Files.copy(starter.onnxFile().orElseThrow(), folder.resolve("model.onnx"));
    Files.writeString(folder.resolve("luciole.json"), "{\"pooling\": \"cls\", \"maxTokens\": 512}");
    return folder;
  }

  /** mini-m3 with the reference's figures, its weights as safetensors. */
  static Path copyOfMiniM3(Path folder) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> files = Files.list(MiniM3.folder())) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (!file.endsWith("pytorch_model.bin")) {
          Files.copy(file, folder.resolve(file.getFileName().toString()));
        }
      }
    }
    return folder;
  }
}
