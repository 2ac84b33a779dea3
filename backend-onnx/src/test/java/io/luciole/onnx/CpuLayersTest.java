package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.luciole.Output;
import io.luciole.internal.Cosine;
import io.luciole.model.EncoderWeights;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The operator of {@link CpuLayers} in whole encoders; its kernels are {@link CpuKernelsTest}'s.
 */
class CpuLayersTest {
  private static final int[] LENGTHS = {1, 2, 7, 40, 3, 65, 130, 5, 513, 16, 700};
  private static final ModelFiles MODEL = ModelSource.path(TestModels.MINI_M3).resolve();

  private static Backend open(String form, Precision precision, int threads, Set<Output> outputs) {
    return new OnnxBackendProvider()
        .open(
            MODEL,
            BackendConfig.on(Device.CPU)
                .precision(precision)
                .threads(threads)
                .outputs(outputs)
                .option(OnnxOptions.FORM, form));
  }

  private static void requireKernels() {
    assumeThat(TestModels.hasCpuKernels()).as("luciole's kernels for CPUs run here").isTrue();
  }

  private static List<int[]> texts() {
    Random random = new Random(7);
    return IntStream.of(LENGTHS)
        .mapToObj(length -> random.ints(length, 4, 8000).toArray())
        .toList();
  }

  /** What a backend gives for each text, of one output. */
  private static List<float[]> run(Backend backend, List<int[]> texts, Output output) {
    TokenBatch batch = TokenBatch.of(texts);
    List<float[]> values = new ArrayList<>();
    try (BackendOutput result = backend.run(batch, Set.of(output))) {
      FloatBuffer all = result.get(output);
      int width = output == Output.DENSE ? 96 : output == Output.SPARSE ? 1 : 64;
      for (int i = 0; i < texts.size(); i++) {
        boolean pooled = output == Output.DENSE;
        float[] own = new float[width * (pooled ? 1 : batch.length(i))];
        all.get((pooled ? i : batch.offset(i)) * width, own);
        values.add(own);
      }
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "BF16", "INT8"})
  void states_areNearThoseOfFloats(Precision precision) {
    requireKernels();
    double least =
        switch (precision) {
          case INT8 -> 0.995;
          case BF16 -> 0.9999;
          default -> 0.999999;
        };
    float most =
        switch (precision) {
          case INT8 -> 0.1f;
          case BF16 -> 0.02f;
          default -> 1e-4f;
        };
    Set<Output> outputs = EnumSet.of(Output.DENSE, Output.SPARSE);
    try (Backend exact = open("loop", Precision.FP32, 2, outputs);
        Backend fast = open("fused", precision, 2, outputs)) {
      List<float[]> expected = run(exact, texts(), Output.DENSE);
      List<float[]> found = run(fast, texts(), Output.DENSE);
      for (int i = 0; i < LENGTHS.length; i++) {
        assertThat(Cosine.of(expected.get(i), found.get(i)))
            .as("a text of %d tokens", LENGTHS[i])
            .isGreaterThan(least);
      }
      List<float[]> weights = run(exact, texts(), Output.SPARSE);
      List<float[]> near = run(fast, texts(), Output.SPARSE);
      for (int i = 0; i < LENGTHS.length; i++) {
        assertThat(near.get(i)).containsExactly(weights.get(i), within(most));
      }
    }
  }

  @Test
  void bytes_areAsNearToFloatsAsThoseOfOnnxRuntime() {
    requireKernels();
    Set<Output> outputs = EnumSet.of(Output.DENSE);
    try (Backend exact = open("loop", Precision.FP32, 2, outputs);
        Backend theirs = open("loop", Precision.INT8, 2, outputs);
        Backend ours = open("fused", Precision.INT8, 2, outputs)) {
      List<float[]> expected = run(exact, texts(), Output.DENSE);

      double error = error(expected, run(ours, texts(), Output.DENSE));

      assertThat(error).isLessThan(1.5 * error(expected, run(theirs, texts(), Output.DENSE)));
    }
  }

  /** 1 − the mean cosine. */
  private static double error(List<float[]> a, List<float[]> b) {
    return 1
        - IntStream.range(0, a.size())
            .mapToDouble(i -> Cosine.of(a.get(i), b.get(i)))
            .average()
            .orElseThrow();
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "BF16", "INT8"})
  void states_dependOnTheTextAlone_toTheLastBit(Precision precision) {
    requireKernels();
    Set<Output> outputs = EnumSet.of(Output.DENSE, Output.SPARSE);
    try (Backend one = open("fused", precision, 1, outputs);
        Backend three = open("fused", precision, 3, outputs)) {
      List<float[]> together = run(three, texts(), Output.SPARSE);
      assertThat(run(one, texts(), Output.SPARSE)).containsExactlyElementsOf(together);
      for (int i = 0; i < LENGTHS.length; i++) {
        List<int[]> alone = List.of(texts().get(i));
        assertThat(run(one, alone, Output.SPARSE).get(0)).isEqualTo(together.get(i));
        assertThat(run(three, alone, Output.SPARSE).get(0)).isEqualTo(together.get(i));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "BF16", "INT8"})
  void lastLayer_ofPooledRowsAlone_givesTheSameVectors(Precision precision) {
    requireKernels();
    Set<Output> both = EnumSet.of(Output.DENSE, Output.SPARSE);
    for (int threads : new int[] {1, 2, 16}) {
      try (Backend pooled = open("fused", precision, threads, EnumSet.of(Output.DENSE));
          Backend all = open("fused", precision, threads, both)) {
        List<int[]> many = Stream.of(texts(), texts(), texts()).flatMap(List::stream).toList();
        assertThat(run(pooled, many, Output.DENSE))
            .as("%d threads", threads)
            .containsExactlyElementsOf(run(all, many, Output.DENSE));
      }
    }
  }

  @Test
  void bf16_withoutTheKernels_isRefusedWithWhatToDo() {
    assertThatThrownBy(() -> open("loop", Precision.BF16, 1, Set.of()))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("bf16")
        .hasMessageContaining("luciole.precision=fp32");
  }

  @Test
  void fused_ofWhatTheKernelsAreNotFor_isRefusedWithWhatToDo() {
    BackendConfig config = BackendConfig.on(Device.CPU).option(OnnxOptions.FORM, "fused");
    assertThatThrownBy(() -> LayoutPolicy.on(config, false, true))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("luciole.onnx.form=fused")
        .hasMessageContaining("auto or loop");
  }

  @Test
  void obstacle_namesWhatTheProcessorLacks() throws Exception {
    Processor old = new Processor("Old Processor", Set.of("avx2", "fma"));
    try (EncoderWeights weights = EncoderWeights.open(MODEL)) {
      assertThat(CpuLayers.obstacle(weights.config(), Precision.INT8, old))
          .satisfiesAnyOf(
              problem -> assertThat(problem).contains("Old Processor").contains("VNNI"),
              problem -> assertThat(problem).contains("Linux x86-64"));
    }
  }

  @Test
  void processor_isReadFromTheFirstOfAFile() {
    Processor processor =
        Processor.of(
            Stream.of(
                "processor\t: 0",
                "model name\t: Some Processor",
                "flags\t\t: fpu avx512f avx512_vnni",
                "",
                "processor\t: 1",
                "model name\t: Another"));

    assertThat(processor.model()).isEqualTo("Some Processor");
    assertThat(processor.flags()).containsExactlyInAnyOrder("fpu", "avx512f", "avx512_vnni");
  }

  @Test
  void halves_areRoundedToTheNearest() {
    assertThat(CpuWeights.bf16(1f)).isEqualTo(0x3f80);
    assertThat(CpuWeights.bf16(-1f)).isEqualTo(0xbf80);
    assertThat(CpuWeights.bf16(Float.intBitsToFloat(0x3f808000))).isEqualTo(0x3f80); // to even
    assertThat(CpuWeights.bf16(Float.intBitsToFloat(0x3f818000))).isEqualTo(0x3f82);
    assertThat(CpuWeights.bf16(Float.intBitsToFloat(0x3f808001))).isEqualTo(0x3f81);
  }
}
