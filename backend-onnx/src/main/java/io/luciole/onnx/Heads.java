package io.luciole.onnx;

import io.luciole.model.checkpoint.Checkpoint;
import io.luciole.model.checkpoint.Tensor;

/** BGE-M3's heads: state dicts {@code {weight, bias}} in files of their own. */
final class Heads {
  private Heads() {}

  /** Token weights: {@code [1, H]} and {@code [1]}. */
  static EncoderWeights.Linear sparse(Checkpoint file, int hidden) {
    return new EncoderWeights.Linear(
        file.requireShape("weight", 1, hidden), file.requireShape("bias", 1));
  }

  /** Token vectors: {@code [D', H]} and {@code [D']}. */
  static EncoderWeights.Linear colbert(Checkpoint file, int hidden) {
    Tensor bias = file.require("bias");
    long rows = bias.elementCount();
    return new EncoderWeights.Linear(
        file.requireShape("weight", rows, hidden), file.requireShape("bias", rows));
  }
}
