package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Output;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Whether a backend computes each {@link TinyEncoder} as Transformers does. To test a backend that
 * runs checkpoints, extend this class and override {@link #provider}.
 */
public abstract class TinyEncodersTest {
  /** Called by JUnit. */
  protected TinyEncodersTest() {}

  /** {@return the backend's provider} */
  protected abstract BackendProvider provider();

  /** {@return the device to run on; the CPU by default} */
  protected Device device() {
    return Device.CPU;
  }

  /** {@return the precision to run in; fp32 by default} */
  protected Precision precision() {
    return Precision.FP32;
  }

  /** {@return how far a component may be from the reference; 2e-5 by default, for fp32} */
  protected float tolerance() {
    return ReferenceText.VECTOR_TOLERANCE;
  }

  /** {@return the poolings to compare; all three by default} */
  protected Set<Pooling> poolings() {
    return EnumSet.of(Pooling.CLS, Pooling.MEAN, Pooling.LAST);
  }

  @TestFactory
  final Stream<DynamicTest> vectors_areThoseOfTransformers_togetherAndAlone() {
    return TinyEncoder.all().stream()
        .flatMap(encoder ->
            poolings().stream()
                .map(pooling ->
                    DynamicTest.dynamicTest(
                        encoder + " " + pooling, () -> verify(encoder, pooling))));
  }

  private void verify(TinyEncoder encoder, Pooling pooling) {
    List<TinyEncoder.Text> texts = encoder.texts();
    BackendConfig config = BackendConfig.on(device()).precision(precision()).threads(2);
    try (Backend backend = provider().open(files(encoder, pooling), config)) {
      assertThat(backend.info().dimension()).isEqualTo(texts.get(0).cls().length);
      verify(backend, texts, pooling);
      List<TinyEncoder.Text> reversed = texts.reversed();
      verify(backend, reversed, pooling);
      texts.forEach(text -> verify(backend, Collections.singletonList(text), pooling));
    }
  }

  private void verify(Backend backend, List<TinyEncoder.Text> texts, Pooling pooling) {
    TokenBatch batch = TokenBatch.of(texts.stream().map(TinyEncoder.Text::ids).toList());
    try (BackendOutput output = backend.run(batch, Set.of(Output.DENSE))) {
      int width = backend.info().dimension();
      for (int i = 0; i < texts.size(); i++) {
        TinyEncoder.Text text = texts.get(i);
        float[] found = new float[width];
        output.get(Output.DENSE).get(i * width, found);
        float[] expected =
            switch (pooling) {
              case CLS -> text.cls();
              case LAST -> text.last();
              default -> text.mean();
            };
        assertThat(found)
            .as("a text of %s tokens among %s", text.ids().length, texts.size())
            .containsExactly(expected, within(tolerance()));
      }
    }
  }

  private static ModelFiles files(TinyEncoder encoder, Pooling pooling) {
    ModelFiles files = encoder.source().resolve();
    ModelDescription description = files.description();
    return new ModelFiles(
        files.name(),
        files.folder(),
        files.tokenizer(),
        files.config(),
        files.weights(),
        null,
        null,
        null,
        null,
        new ModelDescription(
            description.hiddenSize(),
            description.maxTokens(),
            pooling,
            true,
            description.prompts(),
            description.unweightedTokens()));
  }
}
