package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * An encoder as its {@code config.json} describes it: what a backend needs that computes the
 * encoder from its checkpoint.
 *
 * @param hidden components of a token's state, H
 * @param heads attention heads; H is a multiple of it
 * @param layers transformer layers
 * @param feedForward width of the feed-forward block
 * @param epsilon what layer normalisation adds to the variance
 * @param activation the activation of the feed-forward block
 * @param vocabulary rows of the token table
 * @param positions rows of the position table; where there is none, the positions that the model is
 *     said to be for
 * @param firstPosition the position of a text's first token: 0 for BERT, and for RoBERTa and MPNet
 *     the row behind that of the padding token
 * @param tokenTypes rows of the token type table, of which the first is used; 0 if there is none
 * @param architecture what is computed of all this
 */
public record EncoderConfig(
    int hidden,
    int heads,
    int layers,
    int feedForward,
    float epsilon,
    Activation activation,
    int vocabulary,
    int positions,
    int firstPosition,
    int tokenTypes,
    Architecture architecture) {
  /** The activations there are; GELU is exact (erf) unless it says tanh. */
  public enum Activation {
    /** {@code x·Φ(x)}, with the error function. */
    GELU,
    /** GELU's approximation by a hyperbolic tangent. */
    GELU_TANH,
    /** {@code max(0, x)}. */
    RELU,
    /** {@code x / (1 + exp(-x))}, also called swish. */
    SILU
  }

  /** By their names in Transformers. */
  static final Map<String, Activation> ACTIVATIONS =
      new TreeMap<>(
          Map.of(
              "gelu", Activation.GELU,
              "gelu_new", Activation.GELU_TANH,
              "gelu_pytorch_tanh", Activation.GELU_TANH,
              "relu", Activation.RELU,
              "silu", Activation.SILU,
              "swish", Activation.SILU));

  /** Model types of Transformers whose positions start behind the padding token's. */
  private static final Set<String> POSITIONS_BEHIND_PADDING =
      Set.of(
          "roberta",
          "xlm-roberta",
          "xlm-roberta-xl",
          "camembert",
          "mpnet",
          "data2vec-text",
          "xmod",
          "longformer",
          "roberta-prelayernorm");

  /**
   * An encoder of BERT's architecture.
   *
   * @param hidden as above
   * @param heads as above
   * @param layers as above
   * @param feedForward as above
   * @param epsilon as above
   * @param activation as above
   * @param vocabulary as above
   * @param positions as above
   * @param firstPosition as above
   * @param tokenTypes as above
   */
  public EncoderConfig(
      int hidden,
      int heads,
      int layers,
      int feedForward,
      float epsilon,
      Activation activation,
      int vocabulary,
      int positions,
      int firstPosition,
      int tokenTypes) {
    this(
        hidden,
        heads,
        layers,
        feedForward,
        epsilon,
        activation,
        vocabulary,
        positions,
        firstPosition,
        tokenTypes,
        Architecture.bert(hidden, layers));
  }

  /** {@return the number of components of one head's query, key and value} */
  public int headSize() {
    return hidden / heads;
  }

  /** {@return the largest number of tokens that there are positions for} */
  public int maxTokens() {
    return positions - firstPosition;
  }

  /**
   * Reads {@code config.json}.
   *
   * @param file the path of the file
   * @return what it describes
   * @throws ModelException if it describes no encoder that runs from its checkpoint: "expected …
   *     found …"
   */
  public static EncoderConfig read(Path file) {
    return EncoderFamily.read(file).config();
  }

  /**
   * The row of the position table for a text's first token.
   *
   * @param config {@code config.json}; may be missing
   */
  static int firstPosition(JsonNode config) {
    return POSITIONS_BEHIND_PADDING.contains(config.path("model_type").asText())
        ? config.path("pad_token_id").asInt(1) + 1
        : 0;
  }

  /** The number of components of a token's state by {@code config.json}, if it says so. */
  static OptionalInt hiddenSize(JsonNode config) {
    return number(config, "hidden_size", "dim", "n_embd");
  }

  /** The positions that {@code config.json} says there are, if it does. */
  static OptionalInt positions(JsonNode config) {
    return number(config, "max_position_embeddings", "n_positions");
  }

  private static OptionalInt number(JsonNode config, String... keys) {
    return Arrays.stream(keys)
        .filter(config::hasNonNull)
        .mapToInt(key -> config.path(key).asInt())
        .findFirst();
  }
}
