package io.luciole.onnx;

import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * Has the operator find its fastest algorithms for batches of up to {@value #MOST} tokens before
 * the first text of a user, so that no query waits for it. Larger sizes are found when their first
 * batch comes: what they then take, 10 to 100 ms, is little beside the batches themselves.
 */
final class FusedTuning {
  private static final int MOST = 4096;

  /** Beyond so many tokens there are four sizes an octave. */
  private static final int ONE_AN_OCTAVE = 256;

  /** Sizes below, which have no algorithms of their own but graphs. */
  private static final List<Integer> GRAPHS = List.of(192, 128, 64, 32, 24, 16, 8);

  private static final int TEXT = 64;

  private FusedTuning() {}

  /** Runs a batch of each size that has algorithms or a graph of its own, the largest first. */
  static void run(Consumer<TokenBatch> run) {
    for (int tokens : sizes()) {
      int text = Math.min(tokens, TEXT);
      run.accept(TokenBatch.of(Collections.nCopies(tokens / text, new int[text])));
    }
  }

  /**
   * The sizes, descending, as {@code token_bucket} of state.inc.c has them, and those of the CUDA
   * graphs, {@code GRAPH_TOKENS} of encoder.inc.c, so that all graphs are made. Buffers of the
   * largest serve all.
   */
  static List<Integer> sizes() {
    List<Integer> sizes = new ArrayList<>();
    for (int octave = MOST; octave > ONE_AN_OCTAVE; octave /= 2) {
      for (int quarter = 0; quarter < 4; quarter++) {
        sizes.add(octave - quarter * octave / 8);
      }
    }
    sizes.add(ONE_AN_OCTAVE);
    sizes.addAll(GRAPHS);
    return sizes;
  }
}
