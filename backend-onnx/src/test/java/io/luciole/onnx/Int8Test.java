package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.internal.Cosine;
import io.luciole.model.ModelSource;
import io.luciole.onnx.MiniM3Reference.Line;
import io.luciole.spi.Precision;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Quantised at load: near the floats, and the same for a text whatever its neighbours. */
class Int8Test {
  private static EmbeddingEngine open(Precision precision) {
    return EmbeddingEngine.builder()
        .model(ModelSource.path(TestModels.MINI_M3))
        .backend("onnx")
        .precision(precision)
        .outputs(EnumSet.allOf(Output.class))
        .open();
  }

  @Test
  void vectors_areNearThoseOfFloats() {
    try (EmbeddingEngine exact = open(Precision.FP32);
        EmbeddingEngine quantized = open(Precision.INT8)) {
      assertThat(quantized.backend().precision()).isEqualTo("int8");
      for (Line line : MiniM3Reference.lines()) {
        Embedding expected = exact.embed(line.text()).join();
        Embedding found = quantized.embed(line.text()).join();

        assertThat(Cosine.of(expected.dense(), found.dense())).as(line.id()).isGreaterThan(0.995);
        assertThat(expected.dense()).as(line.id()).isNotEqualTo(found.dense());
        for (int row = 0; row < expected.colbert().rows(); row++) {
          assertThat(Cosine.of(expected.colbert().row(row), found.colbert().row(row)))
              .as(line.id() + " row " + row)
              .isGreaterThan(0.99);
        }
        for (int i = 0; i < expected.sparse().size(); i++) {
          int id = expected.sparse().id(i);
          assertThat(Math.abs(found.sparse().weightOf(id) - expected.sparse().weight(i)))
              .as(line.id() + " weight of " + id)
              .isLessThan(0.1f); // of 152,194 weights of NPL's texts the largest is 0.083 apart
        }
      }
    }
  }

  @Test
  void vectors_doNotDependOnTheBatch() {
    try (EmbeddingEngine engine = open(Precision.INT8)) {
      List<String> texts = new ArrayList<>();
      List<float[]> alone = new ArrayList<>();
      for (Line line : MiniM3Reference.lines()) {
        texts.add(line.text());
        alone.add(engine.embed(line.text()).join().dense());
      }
      List<Embedding> together = engine.embedAll(texts, EmbedOptions.passage());
      for (int i = 0; i < texts.size(); i++) {
        assertThat(Cosine.of(alone.get(i), together.get(i).dense())).isGreaterThan(0.9999);
      }
    }
  }

  @Test
  void fp16_onACpu_isRefused() {
    assertThatThrownBy(() -> open(Precision.FP16))
        .hasMessageContaining("fp32, bf16 or int8")
        .hasMessageContaining("fp16");
  }
}
