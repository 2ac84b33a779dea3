package io.luciole.model;

import java.util.Map;

/**
 * How a family names the parts of its encoders, in terms of BERT's names.
 *
 * @param others the family's name for each part that it names otherwise: a tensor's name without
 *     {@code .weight} or {@code .bias} and behind the layer's number, or what is before that
 *     number. {@code name[i/n]} is part i of n equal ones, along the first dimension
 * @param attentionBias whether the linear maps of attention have biases
 * @param feedForwardBias whether those of the feed-forward block have
 * @param normBias whether the norms have
 */
record EncoderNames(
    Map<String, String> others, boolean attentionBias, boolean feedForwardBias, boolean normBias) {
  static final String WORDS = "embeddings.word_embeddings";
  static final String POSITIONS = "embeddings.position_embeddings";
  static final String TOKEN_TYPES = "embeddings.token_type_embeddings";
  static final String EMBEDDING_NORM = "embeddings.LayerNorm";
  static final String EMBEDDING_PROJECTION = "embeddings_project";
  static final String RELATIVE_BIAS = "encoder.relative_attention_bias";
  static final String LAYER = "encoder.layer.";
  static final String QUERY = "attention.self.query";
  static final String KEY = "attention.self.key";
  static final String VALUE = "attention.self.value";
  static final String ATTENTION_OUTPUT = "attention.output.dense";
  static final String ATTENTION_NORM = "attention.output.LayerNorm";
  static final String INTERMEDIATE = "intermediate.dense";
  static final String GATE = "intermediate.gate";
  static final String OUTPUT = "output.dense";
  static final String OUTPUT_NORM = "output.LayerNorm";
  static final String FINAL_NORM = "final_norm";

  /** BERT's own names, with all biases. */
  static EncoderNames bert() {
    return withBiases(Map.of());
  }

  static EncoderNames withBiases(Map<String, String> others) {
    return new EncoderNames(others, true, true, true);
  }

  /** The family's name of a part. */
  String of(String part) {
    return others.getOrDefault(part, part);
  }
}
