package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.SparseVector;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The backends onnx and djl on the same checkpoint and texts, from text to embedding. NPL is not
 * part of the project: {@code -Dluciole.npl} names its folder, in BEIR's format.
 */
class AgreementTest {
  private static final int TEXTS = 500;

  @Test
  void theExamplesCorpus_givesTheSameOnBoth() throws IOException {
    assertAgreement(texts(Path.of("../examples/corpus/corpus.jsonl")));
  }

  @Test
  @Tag("long")
  void npl_givesTheSameOnBoth() throws IOException {
    String folder = System.getProperty("luciole.npl");
    assumeTrue(folder != null, "-Dluciole.npl names no folder of NPL");
    List<String> texts = texts(Path.of(folder, "corpus.jsonl"));
    assertThat(texts).hasSize(TEXTS);

    assertAgreement(texts);
  }

  private static List<String> texts(Path file) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> texts = new ArrayList<>();
    try (Stream<String> lines = Files.lines(file)) {
      for (String line : (Iterable<String>) lines.limit(TEXTS)::iterator) {
        JsonNode node = json.readTree(line);
        texts.add((node.path("title").asText() + " " + node.path("text").asText()).strip());
      }
    }
    return texts;
  }

  private static List<Embedding> embed(String backend, List<String> texts) {
    LucioleConfig config =
        LucioleConfig.of(
            Map.of("luciole.model", MiniM3.folder().toString(), "luciole.backend", backend));
    try (EmbeddingEngine engine = EmbeddingEngine.builder(config).open()) {
      assertThat(engine.backend().backend()).isEqualTo(backend);
      return engine.embedAll(texts, EmbedOptions.passage().outputs(EnumSet.allOf(Output.class)));
    }
  }

  private static void assertAgreement(List<String> texts) {
    List<Embedding> onnx = embed("onnx", texts);
    List<Embedding> djl = embed("djl", texts);

    double cosine = 1;
    double largest = 0;
    for (int i = 0; i < texts.size(); i++) {
      Embedding a = onnx.get(i);
      Embedding b = djl.get(i);
      assertThat(b.tokenCount()).isEqualTo(a.tokenCount());
      cosine = Math.min(cosine, Scores.dense(a, b));
      assertThat(ids(b.sparse())).as("token ids of text %s", i).isEqualTo(ids(a.sparse()));
      for (int t = 0; t < a.sparse().size(); t++) {
        largest = Math.max(largest, Math.abs(a.sparse().weight(t) - b.sparse().weight(t)));
      }
      for (int row = 0; row < a.colbert().rows(); row++) {
        assertThat(b.colbert().row(row))
            .as("ColBERT row %s of text %s", row, i)
            .containsExactly(a.colbert().row(row), within(5e-5f));
      }
    }
    System.out.printf(
        "%d texts: smallest cosine %.9f, largest difference of a weight %.7f%n",
        texts.size(), cosine, largest);
    assertThat(cosine).isGreaterThanOrEqualTo(0.999999);
    assertThat(largest).isLessThanOrEqualTo(2e-4);
  }

  private static List<Integer> ids(SparseVector vector) {
    List<Integer> ids = new ArrayList<>();
    for (int t = 0; t < vector.size(); t++) {
      ids.add(vector.id(t));
    }
    return ids;
  }
}
