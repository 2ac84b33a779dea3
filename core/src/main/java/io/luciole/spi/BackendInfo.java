package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import java.util.Set;

/**
 * What an open backend is and can do. It does not change while the backend is open.
 *
 * @param backend the provider's name, such as {@code onnx}
 * @param version the runtime and its version, such as {@code ONNX Runtime 1.28.0}
 * @param device the device it runs on
 * @param precision the arithmetic it uses, as {@link Precision#id} or the model file's own words
 * @param outputs the outputs it can compute for this model; {@link Backend#run} refuses others
 * @param dimension the number of components of a row of the dense values, D; of an engine's own
 *     info that of its dense vectors
 * @param colbertDimension the number of components of a token vector, D'; 0 if the model has none
 * @param maxTokens the length of the longest text it takes, in tokens, special ones included
 * @param pads whether it pads texts to the length of the longest one; the engine then puts texts of
 *     similar length into one batch
 * @param concurrentRuns the number of threads that may be in {@link Backend#run} at once; at least
 *     1
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
   * A copy with another number of components of a dense vector.
   *
   * @param components the number, at least 1
   * @return the copy
   */
  public BackendInfo withDimension(int components) {
    return new BackendInfo(
        backend,
        version,
        device,
        precision,
        outputs,
        components,
        colbertDimension,
        maxTokens,
        pads,
        concurrentRuns);
  }

  /**
   * Checks the arguments of {@link Backend#run}. Backends call this first.
   *
   * @param batch the texts
   * @param wanted the outputs to compute
   * @param vocabulary one more than the greatest token id: the rows of the table of token vectors,
   *     or {@link io.luciole.model.ModelFiles#configNumber configNumber("vocab_size")} for a
   *     backend that reads no such table
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
