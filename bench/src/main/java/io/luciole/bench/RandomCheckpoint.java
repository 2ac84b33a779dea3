package io.luciole.bench;

import io.luciole.model.ModelSource;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * A folder with a BERT of the size of bge-small-en-v1.5 (12 layers, 384 wide, 33 M weights) and
 * random weights, which the backend compiles to a graph in fp32: the same speed as a trained one.
 * Its tokenizer is the starter model's.
 */
final class RandomCheckpoint {
  private static final int HIDDEN = 384;
  private static final int INNER = 1536;
  private static final int LAYERS = 12;
  private static final int VOCABULARY = 30522;
  private static final int POSITIONS = 512;

  private RandomCheckpoint() {}

  /** Writes the folder, about 130 MB. */
  static void write(Path folder) throws IOException {
    Files.copy(
        ModelSource.parse(ModelSource.STARTER).resolve().tokenizer(),
        folder.resolve("tokenizer.json"));
    Files.writeString(folder.resolve("luciole.json"), "{\"pooling\": \"cls\"}");
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "bert", "hidden_act": "gelu", "hidden_size": %d, "intermediate_size": %d,
         "layer_norm_eps": 1e-12, "max_position_embeddings": %d, "num_attention_heads": 12,
         "num_hidden_layers": %d, "pad_token_id": 0, "type_vocab_size": 2, "vocab_size": %d}
        """
            .formatted(HIDDEN, INNER, POSITIONS, LAYERS, VOCABULARY));
    Map<String, int[]> tensors = new LinkedHashMap<>();
    tensors.put("embeddings.word_embeddings.weight", new int[] {VOCABULARY, HIDDEN});
    tensors.put("embeddings.position_embeddings.weight", new int[] {POSITIONS, HIDDEN});
    tensors.put("embeddings.token_type_embeddings.weight", new int[] {2, HIDDEN});
    norm(tensors, "embeddings");
    for (int i = 0; i < LAYERS; i++) {
      String layer = "encoder.layer." + i;
      linear(tensors, layer + ".attention.self.query", HIDDEN, HIDDEN);
      linear(tensors, layer + ".attention.self.key", HIDDEN, HIDDEN);
      linear(tensors, layer + ".attention.self.value", HIDDEN, HIDDEN);
      linear(tensors, layer + ".attention.output.dense", HIDDEN, HIDDEN);
      norm(tensors, layer + ".attention.output");
      linear(tensors, layer + ".intermediate.dense", INNER, HIDDEN);
      linear(tensors, layer + ".output.dense", HIDDEN, INNER);
      norm(tensors, layer + ".output");
    }
    weights(folder.resolve("model.safetensors"), tensors);
  }

  private static void norm(Map<String, int[]> tensors, String name) {
    tensors.put(name + ".LayerNorm.weight", new int[] {HIDDEN});
    tensors.put(name + ".LayerNorm.bias", new int[] {HIDDEN});
  }

  private static void linear(Map<String, int[]> tensors, String name, int out, int in) {
    tensors.put(name + ".weight", new int[] {out, in});
    tensors.put(name + ".bias", new int[] {out});
  }

  /** Safetensors: the header's length, the header, the values. */
  private static void weights(Path file, Map<String, int[]> tensors) throws IOException {
    StringBuilder header = new StringBuilder("{");
    long at = 0;
    for (Map.Entry<String, int[]> tensor : tensors.entrySet()) {
      int[] shape = tensor.getValue();
      long end = at + 4L * size(shape);
      header.append(at == 0 ? "" : ",");
      header.append('"').append(tensor.getKey()).append("\":{\"dtype\":\"F32\",\"shape\":[");
      header.append(shape[0]).append(shape.length > 1 ? "," + shape[1] : "");
      header.append("],\"data_offsets\":[").append(at).append(',').append(end).append("]}");
      at = end;
    }
    header.append('}');
    while (header.length() % 8 != 0) {
      header.append(' ');
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    Random random = new Random(1);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
      out.write(json);
      for (Map.Entry<String, int[]> tensor : tensors.entrySet()) {
        int size = size(tensor.getValue());
        boolean scale = tensor.getKey().endsWith("LayerNorm.weight");
        ByteBuffer values = ByteBuffer.allocate(4 * size).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < size; i++) {
          values.putFloat((scale ? 1 : 0) + 0.02f * (float) random.nextGaussian());
        }
        out.write(values.array());
      }
    }
  }

  private static int size(int[] shape) {
    int size = 1;
    for (int dimension : shape) {
      size *= dimension;
    }
    return size;
  }
}
