package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The sizes of an encoder of the BERT and XLM-RoBERTa kind, from its {@code config.json}: what a
 * backend needs that computes the encoder from its checkpoint.
 *
 * @param hidden components of a token's state, H
 * @param heads attention heads; H is a multiple of it
 * @param layers transformer layers
 * @param feedForward width of the feed-forward block
 * @param epsilon what layer normalisation adds to the variance
 * @param activation the activation of the feed-forward block
 * @param vocabulary rows of the token table
 * @param positions rows of the position table
 * @param firstPosition the row of a text's first token: 0 for BERT, and for RoBERTa the row behind
 *     that of the padding token
 * @param tokenTypes rows of the token type table, of which the first is used; at least 1, since
 *     Transformers (5.17) makes a model with none and fails when it runs it
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
    int tokenTypes) {
  /** The activations there are; GELU is exact (erf) unless it says tanh. */
  public enum Activation {
    /** {@code x·Φ(x)}, with the error function. */
    GELU,
    /** GELU's approximation by a hyperbolic tangent. */
    GELU_TANH,
    /** {@code max(0, x)}. */
    RELU
  }

  private static final Map<String, Activation> ACTIVATIONS =
      new TreeMap<>(
          Map.of(
              "gelu", Activation.GELU,
              "gelu_new", Activation.GELU_TANH,
              "gelu_pytorch_tanh", Activation.GELU_TANH,
              "relu", Activation.RELU));

  /** Model types that can be computed from a checkpoint. */
  private static final Set<String> TYPES =
      new TreeSet<>(Set.of("bert", "roberta", "xlm-roberta", "camembert"));

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

  /** The largest size that is accepted, so that products of sizes do not overflow. */
  private static final int MAX_SIZE = 1 << 24;

  /** {@return the number of components of one head's query, key and value} */
  public int headSize() {
    return hidden / heads;
  }

  /** {@return the largest number of tokens that the position table has rows for} */
  public int maxTokens() {
    return positions - firstPosition;
  }

  /**
   * Reads {@code config.json}.
   *
   * @param file the path of the file
   * @return the sizes
   * @throws ModelException if it describes no encoder of this kind: "expected … found …"
   */
  public static EncoderConfig read(Path file) {
    return new Reader(ModelJson.read(file), file).read();
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

  /** Reads one file; failures name it. */
  private record Reader(JsonNode json, Path file) {
    EncoderConfig read() {
      String type = json.path("model_type").asText();
      if (!TYPES.contains(type)) {
        throw wrong("\"model_type\" of " + TYPES, json.path("model_type"));
      }
      String act = json.path("hidden_act").asText("gelu");
      Activation activation = ACTIVATIONS.get(act);
      if (activation == null) {
        throw wrong("\"hidden_act\" of " + ACTIVATIONS.keySet(), json.path("hidden_act"));
      }
      if (!json.path("position_embedding_type").asText("absolute").equals("absolute")) {
        throw wrong("\"position_embedding_type\" absolute", json.path("position_embedding_type"));
      }
      if (json.path("is_decoder").asBoolean(false)) {
        throw wrong("an encoder, \"is_decoder\" false", json.path("is_decoder"));
      }
      int hidden = size("hidden_size");
      int heads = size("num_attention_heads");
      if (hidden % heads != 0) {
        throw wrong(
            "\"hidden_size\" to be a multiple of \"num_attention_heads\" " + heads,
            json.path("hidden_size"));
      }
      double epsilon = json.path("layer_norm_eps").asDouble(1e-12);
      if (!(epsilon > 0 && epsilon < 1)) {
        throw wrong("\"layer_norm_eps\" between 0 and 1", json.path("layer_norm_eps"));
      }
      int positions = size("max_position_embeddings");
      int first = firstPosition(json);
      if (first < 0 || first >= positions) {
        throw wrong(
            "\"pad_token_id\" inside the position table of " + positions + " rows",
            json.path("pad_token_id"));
      }
      return new EncoderConfig(
          hidden,
          heads,
          size("num_hidden_layers"),
          size("intermediate_size"),
          (float) epsilon,
          activation,
          size("vocab_size"),
          positions,
          first,
          json.has("type_vocab_size") ? size("type_vocab_size") : 1);
    }

    private int size(String key) {
      JsonNode value = json.path(key);
      if (!value.isIntegralNumber() || !value.canConvertToInt()) {
        throw wrong("a whole number \"" + key + '"', value);
      }
      if (value.asInt() < 1 || value.asInt() > MAX_SIZE) {
        throw wrong("\"" + key + "\" from 1 to " + MAX_SIZE, value);
      }
      return value.asInt();
    }

    private ModelException wrong(String expected, JsonNode found) {
      return new ModelException(
          "Expected "
              + expected
              + ", found "
              + (found.isMissingNode() ? "nothing" : found)
              + " in "
              + file
              + ". Encoders of the BERT and XLM-RoBERTa kind can be run from their checkpoint;"
              + " others need an ONNX export.");
    }
  }
}
