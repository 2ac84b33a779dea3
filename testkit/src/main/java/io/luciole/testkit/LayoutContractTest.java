package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.internal.Cosine;
import io.luciole.model.ModelSource;
import io.luciole.spi.BackendProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Opens each {@link ModelLayout} with a backend, and compares its dense vectors with those of
 * sentence-transformers, or the refusal with the one that is told. To test a backend that computes
 * checkpoints, extend this class and override {@link #provider}.
 */
public abstract class LayoutContractTest {
  /** The least cosine with the reference; docs/models.md names it. */
  static final double LEAST = 0.99999;

  /** Lengths are compared too, since not every model normalises. */
  private static final Percentage LENGTH = Percentage.withPercentage(0.01);

  /** Called by JUnit. */
  protected LayoutContractTest() {}

  /** {@return the backend's provider} */
  protected abstract BackendProvider provider();

  static List<ModelLayout> layouts() {
    return ModelLayout.all();
  }

  @ParameterizedTest
  @MethodSource("layouts")
  final void layout_givesTheReferencesVectorsOrIsRefused(ModelLayout layout, @TempDir Path folder)
      throws IOException {
    Path model = layout.writeTo(folder);
    Optional<String> refusal = layout.refusal(provider().name());
    if (refusal.isPresent()) {
      assertThatThrownBy(() -> open(model).close())
          .isInstanceOf(LucioleException.class)
          .hasMessageContaining(refusal.get());
      return;
    }
    try (EmbeddingEngine engine = open(model)) {
      compare(engine, layout, Role.QUERY, EmbedOptions.query());
      compare(engine, layout, Role.PASSAGE, EmbedOptions.passage());
    }
  }

  private EmbeddingEngine open(Path model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .backend(provider())
        .model(ModelSource.path(model))
        .device("cpu")
        .outputs(Output.DENSE)
        .threads(1)
        .open();
  }

  private static void compare(
      EmbeddingEngine engine, ModelLayout layout, Role role, EmbedOptions options) {
    List<String> texts = layout.texts(role);
    List<float[]> expected = layout.vectors(role);
    assertThat(engine.backend().dimension()).isEqualTo(expected.get(0).length);
    for (int i = 0; i < texts.size(); i++) {
      String text = texts.get(i);
      float[] found = engine.embed(text, options).join().dense();
      float[] reference = expected.get(i);
      assertThat(found).hasSameSizeAs(reference);
      assertThat(Cosine.of(found, reference))
          .as("the cosine of \"%s\"", text)
          .isGreaterThanOrEqualTo(LEAST);
      assertThat(length(found))
          .as("the length of \"%s\"", text)
          .isCloseTo(length(reference), LENGTH);
    }
  }

  private static double length(float[] vector) {
    double squares = 0;
    for (float value : vector) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares);
  }
}
