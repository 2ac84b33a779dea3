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
 * A small encoder of random weights, of an architecture other than BERT's, with what Transformers
 * computes with it in fp32: 32 components, 3 to 5 layers, 160 token ids, at least 512 positions.
 *
 * @param name the architecture, and its folder's name
 */
public record TinyEncoder(String name) {
  private static final List<String> FILES =
      List.of(
          "config.json", "model.safetensors", "tokenizer.json", "luciole.json", "expected.jsonl");

  /**
   * A text with its reference.
   *
   * @param ids its token ids
   * @param cls the last state of its first token
   * @param mean the mean of its tokens' last states
   * @param last the last state of its last token
   */
  @SuppressWarnings("ArrayRecordComponent") // A carrier for tests; nobody compares it.
  public record Text(int[] ids, float[] cls, float[] mean, float[] last) {}

  /** {@return one of each architecture; some twice, as their configurations have been written} */
  public static List<TinyEncoder> all() {
    return List.of(
        new TinyEncoder("distilbert"),
        new TinyEncoder("electra"),
        new TinyEncoder("mpnet"),
        new TinyEncoder("modernbert"),
        new TinyEncoder("modernbert-mlm"),
        new TinyEncoder("nomic"),
        new TinyEncoder("nomic-2048"));
  }

  /** {@return the model's folder, which must not be changed} */
  public Path folder() {
    return ResourceFolder.of("encoders/" + name, FILES);
  }

  /** {@return the model} */
  public ModelSource source() {
    return ModelSource.path(folder());
  }

  /** {@return texts of 2 to 300 tokens} */
  public List<Text> texts() {
    List<Text> texts = new ArrayList<>();
    ObjectMapper json = new ObjectMapper();
    try {
      for (String line : Files.readAllLines(folder().resolve("expected.jsonl"))) {
        JsonNode text = json.readTree(line);
        texts.add(
            new Text(
                json.convertValue(text.path("input_ids"), int[].class),
                json.convertValue(text.path("cls"), float[].class),
                json.convertValue(text.path("mean"), float[].class),
                json.convertValue(text.path("last"), float[].class)));
      }
      return texts;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
