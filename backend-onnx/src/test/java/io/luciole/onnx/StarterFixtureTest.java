package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The starter model against its own weights in double precision (make_expected.py). The bounds come
 * from the arithmetic: in floats only roundings are left, in bytes the quantised activations.
 */
class StarterFixtureTest {
  private static final Path FIXTURE = Path.of("../core/src/test/resources/starter/expected.jsonl");

  private static final List<JsonNode> TEXTS = read();

  private static List<JsonNode> read() {
    try {
      List<JsonNode> texts = new ArrayList<>();
      for (String line : Files.readAllLines(FIXTURE)) {
        texts.add(new ObjectMapper().readTree(line));
      }
      return texts;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static EmbeddingEngine open(String... settings) {
    Map<String, String> all = new HashMap<>(Map.of("luciole.model", "starter"));
    for (int i = 0; i < settings.length; i += 2) {
      all.put(settings[i], settings[i + 1]);
    }
    return EmbeddingEngine.builder(LucioleConfig.of(all)).open();
  }

  private static CompletableFuture<Embedding> embed(EmbeddingEngine engine, JsonNode text) {
    boolean query = text.get("role").asText().equals("query");
    return engine.embed(
        text.get("text").asText(), query ? EmbedOptions.query() : EmbedOptions.passage());
  }

  @Test
  void fixture_hasItsTexts() {
    assertThat(TEXTS).hasSize(20);
  }

  /** Ids, which no arithmetic touches. */
  @Test
  void tokens_areThoseOfPythonsTokenizer() {
    try (EmbeddingEngine engine = open()) {
      for (JsonNode text : TEXTS) {
        assertThat(embed(engine, text).join().tokenCount())
            .as(text.get("id").asText())
            .isEqualTo(text.get("token_count").asInt());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"int8, 0.999", "fp32, 0.99999"})
  void vectors_ofTextsAlone_areThoseOfTheWeights(String precision, double least) {
    try (EmbeddingEngine engine = open("luciole.precision", precision)) {
      for (JsonNode text : TEXTS) {
        check(embed(engine, text).join(), text, least);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"int8, 0.999", "fp32, 0.99999"})
  void vectors_ofShuffledTextsTogether_areThoseOfTheWeights(String precision, double least) {
    for (int budget : new int[] {512, 700, 1024, 4096}) {
      List<JsonNode> shuffled = new ArrayList<>(TEXTS);
      Collections.shuffle(shuffled, new Random(budget));
      try (EmbeddingEngine engine =
          open("luciole.precision", precision, "luciole.token-budget", "" + budget)) {
        List<CompletableFuture<Embedding>> found =
            shuffled.stream().map(text -> embed(engine, text)).toList();
        for (int i = 0; i < found.size(); i++) {
          check(found.get(i).join(), shuffled.get(i), least);
        }
      }
    }
  }

  /** What the batch changes is the order of sums, whose roundings a byte may magnify once. */
  @Test
  void vectors_areTheSameAloneAndTogether() {
    try (EmbeddingEngine engine = open()) {
      List<CompletableFuture<Embedding>> together =
          TEXTS.stream().map(text -> embed(engine, text)).toList();
      for (int i = 0; i < TEXTS.size(); i++) {
        float[] alone = embed(engine, TEXTS.get(i)).join().dense();
        assertThat(dot(alone, together.get(i).join().dense()))
            .as(TEXTS.get(i).get("id").asText())
            .isGreaterThan(0.9999);
      }
    }
  }

  /** The default on CPUs, wherever the bytes of the file can be multiplied exactly. */
  @Test
  void precision_isInt8UnlessSet() {
    try (EmbeddingEngine engine = open()) {
      assertThat(engine.backend().precision()).isEqualTo("int8");
      assertThat(engine.fingerprint().precision()).isEqualTo("int8");
    }
  }

  private static void check(Embedding found, JsonNode text, double least) {
    JsonNode expected = text.get("dense");
    assertThat(found.dense()).hasSize(expected.size());
    float[] reference = new float[expected.size()];
    for (int i = 0; i < reference.length; i++) {
      reference[i] = (float) expected.get(i).asDouble();
    }
    assertThat(dot(found.dense(), reference)).as(text.get("id").asText()).isGreaterThan(least);
  }

  /** The cosine of vectors of length 1. */
  private static double dot(float[] a, float[] b) {
    double dot = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
    }
    return dot;
  }
}
