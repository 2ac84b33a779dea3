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
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Folders of checkpoints with random weights, which compute at the speed of trained ones. Their
 * tokenizer is the starter model's.
 *
 * @param modelType as in {@code config.json}
 * @param hidden the number of components of a token's state
 * @param inner the width within a layer
 * @param vocabulary rows of the table of tokens, at least those of the tokenizer
 * @param positions rows of the table of positions
 * @param types rows of the table of token types
 * @param padding the id of the padding token
 * @param half whether weights are written in 16 bits
 * @param reranker whether there is the head of a reranker
 */
record RandomCheckpoint(
    String modelType,
    int hidden,
    int inner,
    int layers,
    int heads,
    int vocabulary,
    int positions,
    int types,
    int padding,
    boolean half,
    boolean reranker) {
  /** A BERT of the size of bge-small-en-v1.5, 33 M weights, about 130 MB. */
  static final RandomCheckpoint SMALL =
      new RandomCheckpoint("bert", 384, 1536, 12, 12, 30522, 512, 2, 0, false, false);

  /** The form of bge-reranker-v2-m3, 568 M weights, about 1.1 GB. */
  static final RandomCheckpoint RERANKER =
      new RandomCheckpoint("xlm-roberta", 1024, 4096, 24, 16, 250_002, 8194, 1, 1, true, true);

  /** The same with another number of layers, to try a benchmark out. */
  RandomCheckpoint withLayers(int count) {
    return new RandomCheckpoint(
        modelType,
        hidden,
        inner,
        count,
        heads,
        vocabulary,
        positions,
        types,
        padding,
        half,
        reranker);
  }

  /** Writes the folder. */
  void write(Path folder) throws IOException {
    describe(folder, reranker);
    String prefix = reranker ? "roberta." : "";
    Map<String, int[]> tensors = new LinkedHashMap<>();
    tensors.put(prefix + "embeddings.word_embeddings.weight", new int[] {vocabulary, hidden});
    tensors.put(prefix + "embeddings.position_embeddings.weight", new int[] {positions, hidden});
    tensors.put(prefix + "embeddings.token_type_embeddings.weight", new int[] {types, hidden});
    norm(tensors, prefix + "embeddings");
    for (int i = 0; i < layers; i++) {
      String layer = prefix + "encoder.layer." + i;
      linear(tensors, layer + ".attention.self.query", hidden, hidden);
      linear(tensors, layer + ".attention.self.key", hidden, hidden);
      linear(tensors, layer + ".attention.self.value", hidden, hidden);
      linear(tensors, layer + ".attention.output.dense", hidden, hidden);
      norm(tensors, layer + ".attention.output");
      linear(tensors, layer + ".intermediate.dense", inner, hidden);
      linear(tensors, layer + ".output.dense", hidden, inner);
      norm(tensors, layer + ".output");
    }
    if (reranker) {
      linear(tensors, "classifier.dense", hidden, hidden);
      linear(tensors, "classifier.out_proj", 1, hidden);
    }
    weights(folder.resolve("model.safetensors"), tensors);
  }

  /**
   * Writes all but the weights.
   *
   * @param scores whether it is to be a reranker's folder or an encoder's
   */
  void describe(Path folder, boolean scores) throws IOException {
    Files.copy(
        ModelSource.parse(ModelSource.STARTER).resolve().tokenizer(),
        folder.resolve("tokenizer.json"));
    if (!scores) {
      Files.writeString(folder.resolve("luciole.json"), "{\"pooling\": \"cls\"}");
    }
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "%s", "hidden_act": "gelu", "hidden_size": %d, "intermediate_size": %d,
         "layer_norm_eps": 1e-12, "max_position_embeddings": %d, "num_attention_heads": %d,
         "num_hidden_layers": %d, "pad_token_id": %d, "type_vocab_size": %d, "vocab_size": %d%s}
        """
            .formatted(
                modelType,
                hidden,
                inner,
                positions,
                heads,
                layers,
                padding,
                types,
                vocabulary,
                scores ? ", \"architectures\": [\"XLMRobertaForSequenceClassification\"]" : ""));
  }

  private void norm(Map<String, int[]> tensors, String name) {
    tensors.put(name + ".LayerNorm.weight", new int[] {hidden});
    tensors.put(name + ".LayerNorm.bias", new int[] {hidden});
  }

  private static void linear(Map<String, int[]> tensors, String name, int out, int in) {
    tensors.put(name + ".weight", new int[] {out, in});
    tensors.put(name + ".bias", new int[] {out});
  }

  /** Safetensors: the header's length, the header, the values. */
  private void weights(Path file, Map<String, int[]> tensors) throws IOException {
    StringBuilder header = new StringBuilder("{");
    long at = 0;
    for (Map.Entry<String, int[]> tensor : tensors.entrySet()) {
      int[] shape = tensor.getValue();
      long end = at + (half ? 2L : 4L) * size(shape);
      header.append(at == 0 ? "" : ",");
      header.append('"').append(tensor.getKey()).append("\":{\"dtype\":\"");
      header.append(half ? "F16" : "F32").append("\",\"shape\":[");
      header.append(shape[0]).append(shape.length > 1 ? "," + shape[1] : "");
      header.append("],\"data_offsets\":[").append(at).append(',').append(end).append("]}");
      at = end;
    }
    header.append('}');
    while (header.length() % 8 != 0) {
      header.append(' ');
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
      out.write(json);
      for (Map.Entry<String, int[]> tensor : tensors.entrySet()) {
        boolean scale = tensor.getKey().endsWith("LayerNorm.weight");
        write(out, random, size(tensor.getValue()), scale ? 1 : 0);
      }
    }
  }

  private void write(OutputStream out, RandomGenerator random, int size, float mean)
      throws IOException {
    ByteBuffer values = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < size; i++) {
      float value = mean + 0.02f * (float) random.nextGaussian();
      if (half) {
        values.putShort(Float.floatToFloat16(value));
      } else {
        values.putFloat(value);
      }
      if (!values.hasRemaining() || i == size - 1) {
        out.write(values.array(), 0, values.position());
        values.clear();
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
