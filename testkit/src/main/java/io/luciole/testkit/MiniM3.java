package io.luciole.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.model.ModelSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The reference fixture: a small checkpoint of random weights in the file layout of {@code
 * BAAI/bge-m3} (3 layers, hidden 96, 6 heads, vocabulary 8000, at most 1024 tokens), with the
 * outputs that FlagEmbedding 1.4.0 computes with it on the CPU in fp32. The arithmetic and the file
 * formats are those of the real model, so a backend that is correct here is correct there.
 */
public final class MiniM3 {
  private static final List<String> FILES =
      List.of(
          "config.json",
          "model.safetensors",
          "pytorch_model.bin",
          "sparse_linear.pt",
          "colbert_linear.pt",
          "tokenizer.json",
          "tokenizer_config.json",
          "expected.jsonl",
          "expected_scores.json");

  private MiniM3() {}

  /** Created once. */
  private static final class Folder {
    static final Path PATH = ResourceFolder.of("mini-m3", FILES);
  }

  /** {@return the model's folder, which must not be changed} */
  public static Path folder() {
    return Folder.PATH;
  }

  /** {@return the model} */
  public static ModelSource source() {
    return ModelSource.path(folder());
  }

  /** {@return the reference texts, each at the model's limit and truncated to 16 tokens} */
  public static List<ReferenceText> texts() {
    List<ReferenceText> texts = new ArrayList<>();
    ObjectMapper json = new ObjectMapper();
    try {
      for (String line : Files.readAllLines(folder().resolve("expected.jsonl"))) {
        JsonNode node = json.readTree(line);
        String id = node.path("id").asText();
        String text = node.path("text").asText();
        texts.add(new ReferenceText(id, text, 1024, node));
        texts.add(new ReferenceText(id, text, 16, node.path("truncated_to_16")));
      }
      return texts;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
