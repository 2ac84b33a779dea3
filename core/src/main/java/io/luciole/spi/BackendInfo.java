package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import java.util.Set;

/**
 * What an open backend is and can do; constant over its life.
 *
 * @param backend the provider's name, such as {@code onnx}
 * @param version the runtime beneath and its version, such as {@code ONNX Runtime 1.28.0}
 * @param device where it runs
 * @param precision the arithmetic it uses, as {@link Precision#id} or the model file's own words
 * @param outputs what it can give for this model; {@link Backend#run} refuses others
 * @param dimension components of a dense vector, D
 * @param colbertDimension components of a token vector, D', or 0 where there are none
 * @param maxTokens the longest text it takes, special tokens included
 * @param pads whether texts of unequal length cost padding, so that similar lengths should go
 *     together
 * @param concurrentRuns how many threads may be in {@link Backend#run} at once; at least 1
 */
public record BackendInfo(
    String backend,
    String version,
    Device device,
    String precision,
    Set<Output> outputs,
    int dimension,
    int colbertDimension,
    int maxTokens,
    boolean pads,
    int concurrentRuns) {
  /** Checks and copies the components. */
  public BackendInfo {
    requireNonNull(backend, "backend");
    requireNonNull(version, "version");
    requireNonNull(device, "device");
    requireNonNull(precision, "precision");
    outputs = Set.copyOf(outputs);
    if (outputs.isEmpty()) {
      throw new IllegalArgumentException("expected at least one output, got none");
    }
    if (dimension < 1 || maxTokens < 1 || concurrentRuns < 1) {
      throw new IllegalArgumentException(
          "dimension, maxTokens and concurrentRuns must be at least 1, got "
              + dimension
              + ", "
              + maxTokens
              + ", "
              + concurrentRuns);
    }
    if (outputs.contains(Output.COLBERT) != (colbertDimension > 0)) {
      throw new IllegalArgumentException(
          "colbertDimension must be positive exactly if COLBERT is among the outputs, got "
              + colbertDimension
              + " with "
              + outputs);
    }
  }

  /**
   * Refuses what no backend may run: what {@link Backend#run} says of its arguments, for backends
   * to call first.
   *
   * @param vocabulary one more than the greatest token id
   * @throws IllegalArgumentException if no output is asked for or one that is not offered, a text
   *     is longer than {@link #maxTokens}, or a token id is negative or not below {@code
   *     vocabulary}
   */
  public void check(TokenBatch batch, Set<Output> wanted, int vocabulary) {
    requireNonNull(batch, "batch");
    requireNonNull(wanted, "outputs");
    if (wanted.isEmpty() || !outputs.containsAll(wanted)) {
      throw new IllegalArgumentException(
          "expected some of the outputs " + outputs + ", got " + wanted);
    }
    if (batch.maxLength() > maxTokens) {
      throw new IllegalArgumentException(
          "expected texts of at most " + maxTokens + " tokens, got one of " + batch.maxLength());
    }
    for (int id : batch.tokenIds()) {
      if (id < 0 || id >= vocabulary) {
        throw new IllegalArgumentException(
            "expected token ids from 0 to " + (vocabulary - 1) + ", got " + id);
      }
    }
  }
}
