package io.luciole.model;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.model.checkpoint.Checkpoint;
import io.luciole.model.checkpoint.Tensor;
import java.nio.file.Path;
import java.util.Set;

/**
 * The head that makes a score of the first token's state, as Transformers' {@code
 * XLMRobertaForSequenceClassification} and {@code RobertaForSequenceClassification} with one label
 * have it: {@code out·tanh(W·h + b) + c}, {@code W} of shape {@code [H, H]}. BGE's rerankers are of
 * this kind. Immutable and safe for use by many threads.
 */
public final class ScoringHead {
  private static final Set<String> ARCHITECTURES =
      Set.of("XLMRobertaForSequenceClassification", "RobertaForSequenceClassification");

  /** {@code Wᵀ}, so that the sums of all rows grow side by side, in vector instructions. */
  private final float[] columns;

  private final float[] bias;
  private final float[] out;
  private final float constant;

  private ScoringHead(float[] columns, float[] bias, float[] out, float constant) {
    this.columns = columns;
    this.bias = bias;
    this.out = out;
    this.constant = constant;
  }

  /**
   * Reads the head of a model.
   *
   * @param model the model's files
   * @return the head
   * @throws ModelException if {@code config.json} names another architecture, or more labels than
   *     one
   * @throws io.luciole.model.checkpoint.CheckpointException if a tensor is missing or has another
   *     shape
   */
  public static ScoringHead read(ModelFiles model) {
    requireNonNull(model, "model");
    Path config = model.config();
    Path weights = model.weights();
    if (config == null || weights == null) {
      throw new ModelException(
          "Expected config.json and a checkpoint (model.safetensors or pytorch_model.bin) of a"
              + " reranker in "
              + model.folder()
              + ", found no "
              + (config == null ? "config.json" : "checkpoint that can be computed")
              + '.');
    }
    if (!isOf(ModelJson.read(config))) {
      throw new ModelException(
          "Expected \"architectures\" of "
              + ARCHITECTURES
              + ", found "
              + ModelJson.read(config).path("architectures")
              + " in "
              + config
              + ". Rerankers of this kind, such as BAAI/bge-reranker-v2-m3, can be run.");
    }
    int hidden = EncoderConfig.read(config).hidden();
    try (Checkpoint checkpoint = Checkpoint.open(weights)) {
      long labels = checkpoint.require("classifier.out_proj.weight").shape()[0];
      if (labels != 1) {
        throw new ModelException(
            "Expected one label, whose value is the score, found " + labels + " in " + weights);
      }
      return new ScoringHead(
          transposed(floats(checkpoint, "classifier.dense.weight", hidden, hidden), hidden),
          floats(checkpoint, "classifier.dense.bias", hidden),
          floats(checkpoint, "classifier.out_proj.weight", 1, hidden),
          floats(checkpoint, "classifier.out_proj.bias", 1)[0]);
    }
  }

  /**
   * Whether a model is a reranker: whether its {@code config.json} names an architecture with such
   * a head.
   *
   * @param model the model's files
   * @return whether {@link io.luciole.CrossEncoder} is what opens it
   * @throws ModelException if {@code config.json} cannot be read
   */
  public static boolean isIn(ModelFiles model) {
    Path config = model.config();
    return config != null && isOf(ModelJson.read(config));
  }

  /** Whether a {@code config.json} is of a model with such a head. */
  static boolean isOf(JsonNode config) {
    for (JsonNode architecture : config.path("architectures")) {
      if (ARCHITECTURES.contains(architecture.asText())) {
        return true;
      }
    }
    return false;
  }

  private static float[] floats(Checkpoint checkpoint, String name, long... shape) {
    Tensor tensor = checkpoint.requireShape(name, shape);
    return tensor.toFloats();
  }

  private static float[] transposed(float[] rows, int size) {
    float[] columns = new float[rows.length];
    for (int row = 0; row < size; row++) {
      for (int column = 0; column < size; column++) {
        columns[column * size + row] = rows[row * size + column];
      }
    }
    return columns;
  }

  /**
   * The score of a pair of texts.
   *
   * @param state the last state of the pair's first token, as the encoder gives it; not normalised
   * @return the score, any number: the larger, the more relevant
   * @throws IllegalArgumentException if the state has another number of components than the head
   */
  public float score(float[] state) {
    if (state.length != bias.length) {
      throw new IllegalArgumentException(
          "expected a state of " + bias.length + " components, got " + state.length);
    }
    float[] sums = bias.clone();
    for (int column = 0; column < state.length; column++) {
      float value = state[column];
      int at = column * sums.length;
      for (int row = 0; row < sums.length; row++) {
        sums[row] += columns[at + row] * value;
      }
    }
    double score = constant;
    for (int row = 0; row < sums.length; row++) {
      score += out[row] * Math.tanh(sums[row]);
    }
    return (float) score;
  }
}
