package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.Output;
import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.Pooling;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.TinyEncoder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The padded form, which is for CUDA devices, has CPU kernels too: compared with Transformers. */
class PaddedFormTest {
  private static final AttentionLayout PADDED = AttentionLayout.PADDED;

  static Stream<TinyEncoder> encoders() {
    return TinyEncoder.all().stream();
  }

  @ParameterizedTest
  @MethodSource("encoders")
  void vectors_areThoseOfTransformers(TinyEncoder encoder) {
    List<TinyEncoder.Text> texts = encoder.texts();
    BackendConfig settings = BackendConfig.on(Device.CPU);
    OrtRuntime runtime = OrtRuntime.load();
    BufferPool pool = new BufferPool();
    try (EncoderWeights weights = EncoderWeights.open(encoder.source().resolve())) {
      EncoderConfig config = weights.config();
      EncoderGraph graph =
          new EncoderGraph(
              config,
              weights,
              Set.of(Output.DENSE),
              Pooling.MEAN,
              PADDED,
              Precision.FP32,
              Set.of(),
              2,
              settings);
      try (OrtModel model =
          runtime.compile(graph.build(), graph.initializers(), Device.CPU, 2, PADDED, null)) {
        TokenBatch batch = TokenBatch.of(texts.stream().map(TinyEncoder.Text::ids).toList());
        List<TensorBinding> in = new ArrayList<>();
        EncoderInputs inputs = new EncoderInputs(batch, PADDED, config, Pooling.MEAN, pool, in);
        model.inputNames().forEach(inputs::add);
        TensorBinding out =
            TensorBinding.from(pool, "dense", OnnxJavaType.FLOAT, batch.size(), config.hidden());

        model.run(in, List.of(out), batch);

        FloatBuffer found = out.buffer().asFloatBuffer();
        for (TinyEncoder.Text text : texts) {
          float[] vector = new float[config.hidden()];
          found.get(vector);
          assertThat(vector)
              .as("a text of %s tokens", text.ids().length)
              .containsExactly(text.mean(), within(2e-5f));
        }
      }
    }
  }
}
