package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.Scores;
import io.luciole.internal.Cosine;
import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import io.luciole.model.Pooling;
import io.luciole.model.TokenPooling;
import io.luciole.testkit.ModelLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pooling, length, dimensions and prompts that are set in place of what a model's files say. */
class ModelOverridesTest {
  private static final String MEAN = "BERT, mean, release 6";
  private static final String TEXT = "Fireflies find each other in the dark.";

  @TempDir Path temporary;

  private static ModelLayout layout(String name) {
    return ModelLayout.all().stream()
        .filter(layout -> layout.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private EngineBuilder builder(String layout, Map<String, String> settings) throws IOException {
    Path model = layout(layout).writeTo(Files.createTempDirectory(temporary, "model"));
    return EmbeddingEngine.builder(LucioleConfig.of(settings))
        .backend(new OnnxBackendProvider())
        .model(ModelSource.path(model))
        .outputs(Output.DENSE)
        .threads(1);
  }

  private static float[] embed(EngineBuilder builder, String text, EmbedOptions options) {
    try (EmbeddingEngine engine = builder.open()) {
      return engine.embed(text, options).join().dense();
    }
  }

  private static void assertSame(float[] found, String layout) {
    ModelLayout expected = layout(layout);
    float[] vector = expected.vectors(Role.PASSAGE).get(expected.texts(Role.PASSAGE).indexOf(TEXT));
    assertThat(found).hasSameSizeAs(vector);
    assertThat(Cosine.of(found, vector)).isCloseTo(1, within(1e-5));
  }

  @Test
  void pooling_isThatOfTheBuilder() throws IOException {
    EngineBuilder mean = builder(MEAN, Map.of());

    assertSame(
        embed(mean.pooling(TokenPooling.of(Pooling.CLS)), TEXT, EmbedOptions.passage()),
        "BERT, cls, release 6");
    assertSame(
        embed(mean.pooling(TokenPooling.parse("mean,cls")), TEXT, EmbedOptions.passage()),
        "BERT, mean, then cls, release 6");
  }

  @Test
  void pooling_isThatOfTheConfiguration() throws IOException {
    EngineBuilder mean = builder(MEAN, Map.of("luciole.pooling", "mean, cls"));

    assertSame(embed(mean, TEXT, EmbedOptions.passage()), "BERT, mean, then cls, release 6");
  }

  @Test
  void poolingThatAnExportCannotGive_isRefused() throws IOException {
    EngineBuilder pooled =
        builder("ONNX with sentence_embedding alone", Map.of("luciole.pooling", "cls"));

    assertThatThrownBy(pooled::open)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("the pooling cls");
  }

  @Test
  void dimensions_areCutAndScaledAgain() throws IOException {
    assertSame(
        embed(builder(MEAN, Map.of()).dimensions(10), TEXT, EmbedOptions.passage()),
        "BERT, truncate_dim");
    Map<String, String> settings = Map.of("luciole.dimensions", "10", "luciole.normalize", "true");
    try (EmbeddingEngine engine = builder(MEAN, settings).open()) {
      Embedding found = engine.embed(TEXT, EmbedOptions.passage()).join();
      assertSame(found.dense(), "BERT, truncate_dim");
      assertThat(Scores.dense(found, found)).isCloseTo(1, within(1e-6f));
      assertThat(engine.backend().dimension()).isEqualTo(10);
      assertThat(engine.fingerprint().dimension()).isEqualTo(10);
    }
  }

  @Test
  void dimensionsBeyondTheModels_areRefused() throws IOException {
    EngineBuilder tooMany = builder(MEAN, Map.of("luciole.dimensions", "17"));

    assertThatThrownBy(tooMany::open)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("from 1 to 16 dimensions")
        .hasMessageContaining("17");
  }

  @Test
  void prompt_isThatOfTheConfigurationOrTheOneNamed() throws IOException {
    float[] query = embed(builder("BERT, prompts", Map.of()), TEXT, EmbedOptions.query());
    EmbedOptions passage = EmbedOptions.passage();
    Map<String, String> text = Map.of("luciole.passage-prompt", "\"query: \"");
    Map<String, String> name = Map.of("luciole.passage-prompt-name", "query");

    assertThat(embed(builder("BERT, prompts", text), TEXT, passage)).isEqualTo(query);
    assertThat(embed(builder("BERT, prompts", name), TEXT, passage)).isEqualTo(query);
    assertThat(embed(builder(MEAN, Map.of()).prompt(Role.PASSAGE, "query: "), TEXT, passage))
        .isEqualTo(query);
    EngineBuilder unknown =
        builder("BERT, prompts", Map.of()).promptName(Role.QUERY, "classification");
    assertThatThrownBy(unknown::open)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("[passage, query]")
        .hasMessageContaining("classification");
  }

  @Test
  void fingerprint_tellsVectorsApart() throws IOException {
    Set<String> found = new HashSet<>();
    List<Map<String, String>> all =
        List.of(
            Map.of(),
            Map.of("luciole.pooling", "cls"),
            Map.of("luciole.normalize", "true"),
            Map.of("luciole.dimensions", "10"),
            Map.of("luciole.passage-prompt", "passage:"));
    for (Map<String, String> settings : all) {
      try (EmbeddingEngine engine = builder(MEAN, settings).open()) {
        found.add(engine.fingerprint().vectors());
      }
    }
    assertThat(found).hasSize(all.size());
    try (EmbeddingEngine asked = builder(MEAN, Map.of("luciole.query-prompt", "query:")).open()) {
      assertThat(found)
          .as("queries' prompt is in no index")
          .contains(asked.fingerprint().vectors());
    }
  }
}
