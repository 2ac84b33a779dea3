package io.luciole.testkit;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.model.ModelSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
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

  /** Created once. A model must be a folder of files, which the resources of a jar are not. */
  private static final class Folder {
    static final Path PATH = find();

    private static Path find() {
      URL config =
          requireNonNull(MiniM3.class.getResource("/mini-m3/config.json"), "mini-m3/config.json");
      try {
        URI uri = config.toURI();
        return uri.getScheme().equals("file")
            ? requireNonNull(Path.of(uri).getParent(), "folder")
            : copy();
      } catch (URISyntaxException e) {
        throw new IllegalStateException(e);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static Path copy() throws IOException {
      Path folder = Files.createTempDirectory("luciole-mini-m3");
      folder.toFile().deleteOnExit();
      for (String name : FILES) {
        Path file = folder.resolve(name);
        try (InputStream in = MiniM3.class.getResourceAsStream("/mini-m3/" + name)) {
          Files.copy(requireNonNull(in, name), file);
        }
        file.toFile().deleteOnExit();
      }
      return folder;
    }
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
