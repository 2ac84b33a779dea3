package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Layer;

/** Multi-head attention in one of its forms. Its inputs are described in {@link EncoderGraph}. */
interface Attention {
  /**
   * Adds the attention of a layer.
   *
   * @param queried states that ask: {@code x}, or those of the pooled rows
   * @param x states of all tokens
   * @return a state for each that asks, before the output projection
   */
  String attend(Projection projection, String queried, String x, Layer layer);

  /** Whether {@code queried} may be the pooled rows, one a text. */
  boolean takesPooledQueries();

  /** The states of real tokens. */
  String nonPadding(String states);

  /**
   * The attention of a layout.
   *
   * @param rotation for queries and keys of the layers that rotate them
   * @param bias for the scores of the layers that have one
   */
  static Attention of(
      AttentionLayout layout,
      GraphBuilder graph,
      EncoderConfig config,
      Rotation rotation,
      ScoreBias bias) {
    return switch (layout) {
      case LOOP -> new LoopAttention(graph, config, rotation, bias);
      case PACKED -> new PackedAttention(graph, config);
      case PADDED -> new PaddedAttention(graph, config, rotation, bias);
      case FUSED, LAYERS ->
          throw new IllegalArgumentException("the layers have their own attention");
    };
  }
}
