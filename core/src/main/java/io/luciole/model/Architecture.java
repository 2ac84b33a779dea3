package io.luciole.model;

import java.util.Collections;
import java.util.List;

/**
 * What the encoders of a family compute, apart from their sizes: see {@link EncoderWeights}. BERT's
 * is {@link #bert}. Immutable.
 *
 * @param embedding components of a row of the tables, E; where it is not H, the rows are projected
 * @param positionTable whether a row of a table of positions is added to a token's row
 * @param relativeBuckets rows of the table whose values are added to attention scores by the
 *     distance of key and query; 0 if there is none
 * @param normFirst whether a layer normalises what its two blocks take, and the last layer is
 *     followed by a norm of its own; otherwise what they give, together with what they took
 * @param gated whether the feed-forward block multiplies what is activated by a second linear map
 * @param attention the attention of each layer
 */
public record Architecture(
    int embedding,
    boolean positionTable,
    int relativeBuckets,
    boolean normFirst,
    boolean gated,
    List<LayerAttention> attention) {
  /**
   * What is particular to the attention of one layer.
   *
   * @param rotaryBase the base θ of rotary positions (Su et al. 2021): component pairs {@code (i, i
   *     + d/2)} of a head of d components are rotated by {@code position · θ^(-2i/d)}; 0 if queries
   *     and keys are not rotated
   * @param window how many tokens before and behind itself a token sees; 0 if it sees all
   */
  public record LayerAttention(double rotaryBase, int window) {
    /** Sees all tokens, and knows nothing of their places. */
    public static final LayerAttention PLAIN = new LayerAttention(0, 0);

    /** {@return whether queries and keys are rotated} */
    public boolean isRotary() {
      return rotaryBase > 0;
    }
  }

  /** Copies the list, and checks that there is one window at most. */
  public Architecture {
    attention = List.copyOf(attention);
    if (attention.stream().mapToInt(LayerAttention::window).filter(w -> w > 0).distinct().count()
        > 1) {
      throw new IllegalArgumentException("expected windows of one size, got " + attention);
    }
  }

  /**
   * The architecture of BERT, RoBERTa, XLM-RoBERTa and CamemBERT.
   *
   * @param hidden components of a token's state
   * @param layers the number of layers
   * @return the architecture
   */
  public static Architecture bert(int hidden, int layers) {
    return new Architecture(
        hidden, true, 0, false, false, Collections.nCopies(layers, LayerAttention.PLAIN));
  }

  /**
   * Whether the layers are those of BERT, whatever is done before the first.
   *
   * @return true if kernels for BERT's layers compute them
   */
  public boolean hasLayersOfBert() {
    return relativeBuckets == 0
        && !normFirst
        && !gated
        && attention.stream().allMatch(LayerAttention.PLAIN::equals);
  }

  /** {@return how many tokens to each side layers with a window see; 0 if no layer has one} */
  public int window() {
    return attention.stream().mapToInt(LayerAttention::window).max().orElse(0);
  }
}
