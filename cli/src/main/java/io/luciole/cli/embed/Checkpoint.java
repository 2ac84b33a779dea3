package io.luciole.cli.embed;

import java.util.List;

/**
 * How far a job is, of what is safe on the disk.
 *
 * @param texts the texts of the input that are done, those that failed included
 * @param embedded those that were embedded
 * @param tokens their tokens
 * @param truncated those that were cut off at the model's limit
 * @param chain the {@link TextChain} of the texts that are done
 * @param errors the length in bytes of the file of errors
 * @param positions where the files of vectors end; see {@link VectorWriter#sync}
 */
record Checkpoint(
    long texts,
    long embedded,
    long tokens,
    long truncated,
    String chain,
    long errors,
    List<Long> positions) {
  /** Nothing is done. */
  static final Checkpoint START = new Checkpoint(0, 0, 0, 0, TextChain.EMPTY, 0, List.of());

  Checkpoint {
    positions = List.copyOf(positions);
  }
}
