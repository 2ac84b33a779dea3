package io.luciole;

/**
 * How relevant a passage is to a query, as a {@link CrossEncoder} has it.
 *
 * @param value the model's score, any finite number: the larger, the more relevant
 * @param tokenCount the number of tokens that the model read, special ones included
 * @param truncated whether the end of the query or of the passage was cut off
 */
public record PairScore(float value, int tokenCount, boolean truncated) {
  /**
   * Maps the score to the probability that its training meant: {@code 1 / (1 + e⁻ˢ)}, as
   * FlagEmbedding's {@code normalize=True} and text-embeddings-inference do.
   *
   * @return a number from 0 to 1
   */
  public float probability() {
    return (float) (1 / (1 + Math.exp(-value)));
  }
}
