package io.luciole.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelException;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class FileChoiceTest {
  private static Set<String> choose(PullOptions options, String... names) {
    return FileChoice.choose("a/b", Set.of(names), options);
  }

  @Test
  void repositoryWithoutTokenizer_saysWhatThereIs() {
    assertThatThrownBy(() -> choose(PullOptions.DEFAULT, "model.gguf", "README.md"))
        .isInstanceOf(ModelException.class)
        .hasMessage(
            "The model a/b cannot be used: expected a tokenizer.json, found"
                + " [README.md, model.gguf].");
  }

  @Test
  void repositoryWithoutWeights_saysWhatThereIs() {
    assertThatThrownBy(() -> choose(PullOptions.DEFAULT, "tokenizer.json", "model.gguf"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("expected model.safetensors, pytorch_model.bin or an ONNX file");
  }

  @Test
  void severalOnnxFiles_withoutAUsualName_areListed() {
    String[] names = {"tokenizer.json", "a.onnx", "b.onnx"};

    assertThatThrownBy(() -> choose(PullOptions.DEFAULT.withOnnx(), names))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("name one of [a.onnx, b.onnx]");
    assertThat(choose(PullOptions.DEFAULT.withOnnx("b.onnx"), names))
        .containsExactly("b.onnx", "tokenizer.json");
    assertThatThrownBy(() -> choose(PullOptions.DEFAULT.withOnnx("c.onnx"), names))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("has no file c.onnx; its ONNX files: [a.onnx, b.onnx]");
  }

  @Test
  void onnxFile_comesWithItsOwnTensorsOnly() {
    assertThat(
            choose(
                PullOptions.DEFAULT.withOnnx("onnx/model.onnx"),
                "tokenizer.json",
                "LICENSE",
                "model.safetensors",
                "onnx/model.onnx",
                "onnx/model.onnx.data",
                "onnx/model_fp16.onnx",
                "onnx/model_fp16.onnx_data",
                "onnx/config.json",
                "onnx/onnx__MatMul_3024",
                "onnx/sub/x"))
        .containsExactly(
            "onnx/model.onnx", "onnx/model.onnx.data", "onnx/onnx__MatMul_3024", "tokenizer.json");
  }

  @Test
  void onnxFileAtTheRoot_leavesTheRepositorysPapers() {
    assertThat(
            choose(
                PullOptions.DEFAULT.withOnnx(),
                "tokenizer.json",
                "LICENSE",
                "README.md",
                "NOTICE.txt",
                "sentencepiece.bpe.model",
                "model.onnx",
                "model.onnx.data"))
        .containsExactly("model.onnx", "model.onnx.data", "tokenizer.json");
  }

  @Test
  void modulesOfSentenceTransformers_comeWithTheirWeights() {
    assertThat(
            choose(
                PullOptions.DEFAULT,
                "tokenizer.json",
                "config.json",
                "model.safetensors",
                "modules.json",
                "1_Pooling/config.json",
                "2_Dense/config.json",
                "2_Dense/model.safetensors",
                "3_Dense/config.json",
                "3_Dense/pytorch_model.bin",
                "4_LayerNorm/config.json",
                "4_LayerNorm/model.safetensors",
                "5_Normalize/config.json",
                "runs/1_Dense/model.safetensors",
                "2_Dense/optimizer.pt"))
        .containsExactlyInAnyOrder(
            "tokenizer.json",
            "config.json",
            "model.safetensors",
            "modules.json",
            "1_Pooling/config.json",
            "2_Dense/config.json",
            "2_Dense/model.safetensors",
            "3_Dense/config.json",
            "3_Dense/pytorch_model.bin",
            "4_LayerNorm/config.json",
            "4_LayerNorm/model.safetensors",
            "5_Normalize/config.json");
  }
}
