package io.luciole.testkit;

import io.luciole.model.ModelSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes the folder of a reranker for {@link FakeBackend}: the tokenizer of {@link FakeModel}, and
 * a head that makes {@link #scoreOf a score} of the backend's vector. Open it by {@link
 * io.luciole.CrossEncoder}.
 */
public final class FakeReranker {
  private static final int SIZE = FakeBackend.DIMENSION;

  private FakeReranker() {}

  /**
   * Writes the folder.
   *
   * @param folder an existing folder
   * @param maxTokens the limit of a pair in tokens, special tokens included
   * @return the folder as a model source
   */
  public static ModelSource write(Path folder, int maxTokens) {
    FakeModel.write(folder, maxTokens);
    String config =
        """
        {"architectures": ["XLMRobertaForSequenceClassification"], "model_type": "xlm-roberta",
         "hidden_size": %d, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8,
         "vocab_size": 1003, "max_position_embeddings": 1000, "pad_token_id": 1}
        """
            .formatted(SIZE);
    try {
      Files.delete(folder.resolve("model.onnx"));
      Files.writeString(folder.resolve("config.json"), config);
      Files.write(folder.resolve("model.safetensors"), head());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ModelSource.path(folder);
  }

  /** The head's four tensors in the format of safetensors: their places as JSON, then values. */
  private static byte[] head() {
    String places =
        """
        {"classifier.dense.weight":{"dtype":"F32","shape":[%1$d,%1$d],"data_offsets":[0,%2$d]},
         "classifier.dense.bias":{"dtype":"F32","shape":[%1$d],"data_offsets":[%2$d,%3$d]},
         "classifier.out_proj.weight":{"dtype":"F32","shape":[1,%1$d],"data_offsets":[%3$d,%4$d]},
         "classifier.out_proj.bias":{"dtype":"F32","shape":[1],"data_offsets":[%4$d,%5$d]}}\
        """
            .formatted(
                SIZE,
                4 * SIZE * SIZE,
                4 * SIZE * (SIZE + 1),
                4 * SIZE * (SIZE + 2),
                4 * SIZE * (SIZE + 2) + 4);
    byte[] json = places.getBytes(StandardCharsets.UTF_8);
    ByteBuffer values =
        ByteBuffer.allocate(8 + 4 * SIZE * (SIZE + 2) + 4).order(ByteOrder.LITTLE_ENDIAN);
    values.putLong(json.length);
    for (int row = 0; row < SIZE; row++) {
      for (int column = 0; column < SIZE; column++) {
        values.putFloat(row == column ? 1 : 0);
      }
    }
    values.position(values.position() + 4 * SIZE);
    for (int i = 0; i < SIZE; i++) {
      values.putFloat(weight(i));
    }
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.write(values.array(), 0, 8);
    file.writeBytes(json);
    file.write(values.array(), 8, values.capacity() - 8);
    return file.toByteArray();
  }

  /** The number of tokens, the first component of a vector, does not count. */
  private static float weight(int component) {
    return component == 0 ? 0 : 1f / component;
  }

  /**
   * Computes the score of a pair.
   *
   * @param ids the pair's tokens, special ones included
   * @return the score, from -3 to 3
   */
  public static float scoreOf(int... ids) {
    float[] state = FakeBackend.denseOf(ids);
    double score = 0;
    for (int i = 0; i < SIZE; i++) {
      score += weight(i) * Math.tanh(state[i]);
    }
    return (float) score;
  }
}
