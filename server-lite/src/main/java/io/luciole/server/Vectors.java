package io.luciole.server;

import io.luciole.Embedding;
import java.util.Arrays;

/** What several APIs compute from embeddings before they answer. */
final class Vectors {
  private Vectors() {}

  /** The first {@code dimensions} components, scaled to Euclidean length 1. */
  static float[] shortened(float[] vector, int dimensions) {
    if (dimensions == vector.length) {
      return vector;
    }
    float[] head = Arrays.copyOf(vector, dimensions);
    double sum = 0;
    for (float value : head) {
      sum += (double) value * value;
    }
    double scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (int i = 0; i < head.length; i++) {
      head[i] = (float) (head[i] * scale);
    }
    return head;
  }

  /** The number of tokens of all embeddings together. */
  static int tokens(Iterable<Embedding> embeddings) {
    int sum = 0;
    for (Embedding embedding : embeddings) {
      sum += embedding.tokenCount();
    }
    return sum;
  }
}
