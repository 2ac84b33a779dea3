package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Output;
import io.luciole.internal.Cosine;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** The values that a backend returned for one text, without the first token's ColBERT row. */
final class TextValues {
  private final float[] dense;
  private final float[] weights;
  private final float[][] vectors;

  private TextValues(BackendOutput output, TokenBatch batch, int text, BackendInfo info) {
    dense = copy(output, Output.DENSE, text * info.dimension(), info.dimension());
    weights = copy(output, Output.SPARSE, batch.offset(text), batch.length(text));
    int width = info.colbertDimension();
    vectors =
        IntStream.range(batch.offset(text) + 1, batch.offset(text + 1))
            .mapToObj(token -> copy(output, Output.COLBERT, token * width, width))
            .toArray(float[][]::new);
  }

  private static float[] copy(BackendOutput output, Output kind, int from, int count) {
    float[] values = new float[output.has(kind) ? count : 0];
    if (output.has(kind)) {
      output.get(kind).get(from, values);
    }
    return values;
  }

  /** Asserts that the outputs that both have are equal within a tolerance. */
  void verify(TextValues expected, float tolerance) {
    verify("dense", dense, expected.dense, tolerance);
    verify("token weights", weights, expected.weights, tolerance);
    for (int i = 0; i < vectors.length; i++) {
      verify("vector of token " + (i + 1), vectors[i], expected.vectors[i], tolerance);
    }
  }

  /** Compares texts one by one. */
  static void verify(List<TextValues> found, List<TextValues> expected, float tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.size(); i++) {
      found.get(i).verify(expected.get(i), tolerance);
    }
  }

  private static void verify(String what, float[] found, float[] expected, float tolerance) {
    if (found.length == 0 || expected.length == 0) {
      return;
    }
    assertThat(found).as(what).hasSameSizeAs(expected);
    float largest = 1;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < found.length; i++) {
      // Millions of values: AssertJ is slow, so it gets only those that are wrong.
      if (!(Math.abs(found[i] - expected[i]) <= tolerance * largest)) {
        assertThat(found[i])
            .as("component %s of %s", i, what)
            .isCloseTo(expected[i], within(tolerance * largest));
      }
    }
  }

  /** Runs a batch; returns the values of each of its texts. */
  static List<TextValues> run(Backend on, List<int[]> texts, Set<Output> wanted) {
    TokenBatch batch = TokenBatch.of(texts);
    List<TextValues> values = new ArrayList<>();
    try (BackendOutput output = on.run(batch, wanted)) {
      for (int i = 0; i < batch.size(); i++) {
        values.add(new TextValues(output, batch, i, on.info()));
      }
    }
    return values;
  }

  /** The cosine of two texts' dense vectors. */
  double denseCosine(TextValues other) {
    return Cosine.of(dense, other.dense);
  }
}
