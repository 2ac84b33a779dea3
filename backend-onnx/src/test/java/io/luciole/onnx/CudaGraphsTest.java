package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.Output;
import io.luciole.internal.Cosine;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Batches that run as CUDA graphs, of the sizes that there are kernels for, against the same
 * batches without graphs: kernels that are right one by one may still run into each other when one
 * begins before the one before it has ended, or at the next replay.
 */
@Tag("gpu")
class CudaGraphsTest {
  private static final int HIDDEN = 1024;
  private static final int INNER = 4096;
  private static final int LAYERS = 3;
  private static final int VOCABULARY = 1000;
  private static final int POSITIONS = 512;
  private static final int ROUNDS = 60;

  /** Texts of batches that fill a size, or just do not; small ones come behind large ones. */
  private static final int[][] EDGES = {
    {128}, {25}, {64}, {65}, {100, 28}, {33}, {192}, {96}, {512}, {8}, {24}, {129}, {32}
  };

  /** Two ways of rounding to 11 bits, {@link #LAYERS} times. */
  private static final double LEAST = 0.9999;

  @TempDir Path folder;

  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);

  @Test
  void vectors_asGraphs_areThoseWithoutGraphs() throws IOException {
    assumeTrue(OnnxCudaContract.hasGpu(), "ONNX Runtime finds no GPU");
    writeModel();
    try (Backend graphs = open(OnnxCudaContract.GPU, true);
        Backend none = open(OnnxCudaContract.GPU, false)) {
      for (int repeat = 0; repeat < 2; repeat++) {
        for (int[] lengths : EDGES) {
          compare(
              graphs, none, TokenBatch.of(Arrays.stream(lengths).mapToObj(this::text).toList()));
        }
        for (int texts : new int[] {128, 64, 40}) {
          compare(graphs, none, TokenBatch.of(Collections.nCopies(texts, text(1))));
        }
      }
      for (int round = 0; round < ROUNDS; round++) {
        compare(graphs, none, batch(1 + random.nextInt(random.nextBoolean() ? 128 : 512)));
      }
    }
  }

  private void compare(Backend graphs, Backend none, TokenBatch batch) {
    List<float[]> found = run(graphs, batch);
    List<float[]> expected = run(none, batch);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(Cosine.of(found.get(i), expected.get(i)))
          .as(
              "text %d of %d tokens in a batch of %d, seed %d",
              i, batch.length(i), batch.tokens(), seed)
          .isGreaterThan(LEAST);
    }
  }

  private int[] text(int length) {
    return random.ints(length, 0, VOCABULARY).toArray();
  }

  /** Texts of so many tokens together: short ones, and now and then a long one. */
  private TokenBatch batch(int tokens) {
    List<int[]> texts = new ArrayList<>();
    for (int left = tokens; left > 0; left -= texts.get(texts.size() - 1).length) {
      int length = Math.min(left, 1 + random.nextInt(random.nextInt(8) == 0 ? 200 : 30));
      texts.add(text(length));
    }
    return TokenBatch.of(texts);
  }

  private static List<float[]> run(Backend backend, TokenBatch batch) {
    List<float[]> vectors = new ArrayList<>();
    try (BackendOutput output = backend.run(batch, Set.of(Output.DENSE))) {
      for (int i = 0; i < batch.size(); i++) {
        float[] vector = new float[HIDDEN];
        output.get(Output.DENSE).get(i * HIDDEN, vector);
        vectors.add(vector);
      }
    }
    return vectors;
  }

  private Backend open(Device device, boolean graphs) {
    ModelFiles files =
        new ModelFiles(
            "random",
            folder,
            folder.resolve("config.json"), // the backend reads no tokenizer
            folder.resolve("config.json"),
            folder.resolve("model.safetensors"),
            null,
            null,
            null,
            null,
            new ModelDescription(
                OptionalInt.of(HIDDEN), POSITIONS, Pooling.MEAN, true, Map.of(), Set.of()));
    return new OnnxBackendProvider()
        .open(
            files,
            BackendConfig.on(device)
                .precision(device.equals(Device.CPU) ? Precision.FP32 : Precision.FP16)
                .option(OnnxOptions.CUDA_GRAPHS, String.valueOf(graphs)));
  }

  /** A BERT of XLM-RoBERTa large's size but for its layers, with random weights in 16 bits. */
  private void writeModel() throws IOException {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": %d,
         "num_hidden_layers": %d, "num_attention_heads": 16, "intermediate_size": %d,
         "hidden_act": "gelu", "vocab_size": %d, "max_position_embeddings": %d,
         "type_vocab_size": 2, "layer_norm_eps": 1e-5, "pad_token_id": 0}
        """
            .formatted(HIDDEN, LAYERS, INNER, VOCABULARY, POSITIONS));
    Map<String, int[]> shapes = shapes();
    StringBuilder header = new StringBuilder("{");
    long offset = 0;
    for (Map.Entry<String, int[]> tensor : shapes.entrySet()) {
      int[] shape = tensor.getValue();
      long bytes = 2L * shape[0] * (shape.length > 1 ? shape[1] : 1);
      header.append(header.length() > 1 ? "," : "");
      header.append("\"%s\":{\"dtype\":\"F16\",\"shape\":[".formatted(tensor.getKey()));
      header.append(shape[0]).append(shape.length > 1 ? "," + shape[1] : "");
      header.append("],\"data_offsets\":[%d,%d]}".formatted(offset, offset += bytes));
    }
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    try (DataOutputStream out =
        new DataOutputStream(Files.newOutputStream(folder.resolve("model.safetensors")))) {
      out.writeLong(Long.reverseBytes(json.length));
      out.write(json);
      for (Map.Entry<String, int[]> tensor : shapes.entrySet()) {
        out.write(values(tensor.getKey(), tensor.getValue()));
      }
    }
  }

  private byte[] values(String name, int[] shape) {
    int count = shape[0] * (shape.length > 1 ? shape[1] : 1);
    boolean gamma = name.endsWith("LayerNorm.weight");
    double deviation = gamma ? 0.1 : shape.length > 1 ? 1 / Math.sqrt(shape[1]) : 0.05;
    ByteBuffer bytes = ByteBuffer.allocate(count * 2).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      double value = random.nextGaussian() * deviation + (gamma ? 1 : 0);
      bytes.putShort(Float.floatToFloat16((float) value));
    }
    return bytes.array();
  }

  private static Map<String, int[]> shapes() {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("embeddings.word_embeddings.weight", new int[] {VOCABULARY, HIDDEN});
    shapes.put("embeddings.position_embeddings.weight", new int[] {POSITIONS, HIDDEN});
    shapes.put("embeddings.token_type_embeddings.weight", new int[] {2, HIDDEN});
    pair(shapes, "embeddings.LayerNorm", HIDDEN);
    for (int i = 0; i < LAYERS; i++) {
      String layer = "encoder.layer." + i + ".";
      for (String of : List.of("query", "key", "value")) {
        pair(shapes, layer + "attention.self." + of, HIDDEN, HIDDEN);
      }
      pair(shapes, layer + "attention.output.dense", HIDDEN, HIDDEN);
      pair(shapes, layer + "attention.output.LayerNorm", HIDDEN);
      pair(shapes, layer + "intermediate.dense", INNER, HIDDEN);
      pair(shapes, layer + "output.dense", HIDDEN, INNER);
      pair(shapes, layer + "output.LayerNorm", HIDDEN);
    }
    return shapes;
  }

  /** A weight of this shape, and its bias. */
  private static void pair(Map<String, int[]> shapes, String name, int... shape) {
    shapes.put(name + ".weight", shape);
    shapes.put(name + ".bias", new int[] {shape[0]});
  }
}
