package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import io.luciole.model.ModelException;
import io.luciole.onnx.ExportLayout.Found;
import io.luciole.onnx.ExportLayout.Kind;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExportLayoutTest {
  private static final Object STATES = new float[2][5][8];
  private static final Object ROW_A_TEXT = new float[2][8];

  /** Outputs by name, each with an array of the shape that it has in the trial. */
  private static ExportLayout layout(Object... namesAndArrays) {
    Map<String, TensorInfo> trial = new LinkedHashMap<>();
    for (int i = 0; i < namesAndArrays.length; i += 2) {
      try {
        trial.put(
            (String) namesAndArrays[i], TensorInfo.constructFromJavaArray(namesAndArrays[i + 1]));
      } catch (OrtException e) {
        throw new AssertionError(e);
      }
    }
    return new ExportLayout(trial, Path.of("model.onnx"));
  }

  private static Map<Kind, String> names(ExportLayout layout) {
    Map<Kind, String> names = new LinkedHashMap<>();
    Stream.of(Kind.values())
        .forEach(kind -> {
          Found found = layout.get(kind);
          if (found != null) {
            names.put(kind, found.name());
          }
        });
    return names;
  }

  /** What torch.onnx.export and optimum write for a BERT, in either order. */
  @ParameterizedTest
  @CsvSource({"pooler_output", "output_1", "1587"})
  void besideTokenStates_aRowATextIsNoDenseVector(String other) {
    assertThat(names(layout("last_hidden_state", STATES, other, ROW_A_TEXT)))
        .isEqualTo(Map.of(Kind.STATES, "last_hidden_state"));
    assertThat(names(layout(other, ROW_A_TEXT, "last_hidden_state", STATES)))
        .isEqualTo(Map.of(Kind.STATES, "last_hidden_state"));
  }

  @Test
  void besideTokenStates_thoseOfOtherLayersAreNoTokenVectors() {
    assertThat(
            names(
                layout(
                    "last_hidden_state",
                    STATES,
                    "hidden_states.0",
                    STATES,
                    "hidden_states.1",
                    STATES)))
        .isEqualTo(Map.of(Kind.STATES, "last_hidden_state"));
  }

  @Test
  void namesOfPooledVectors_winOverTheStates() {
    assertThat(names(layout("token_embeddings", STATES, "sentence_embedding", ROW_A_TEXT)))
        .isEqualTo(Map.of(Kind.STATES, "token_embeddings", Kind.DENSE, "sentence_embedding"));
  }

  @Test
  void withoutKnownNames_shapesTell() {
    assertThat(names(layout("a", ROW_A_TEXT, "b", new float[2][5][1], "c", new float[2][4][8])))
        .isEqualTo(Map.of(Kind.DENSE, "a", Kind.SPARSE, "b", Kind.COLBERT, "c"));
  }

  @ParameterizedTest
  @CsvSource({"logits", "pooler_output"})
  void outputsOfOtherTasks_areRefusedByName(String name) {
    assertThatThrownBy(() -> layout(name, new float[2][1]))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("Expected token states")
        .hasMessageContaining("found " + name);
  }
}
