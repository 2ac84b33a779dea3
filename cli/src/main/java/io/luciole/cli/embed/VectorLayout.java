package io.luciole.cli.embed;

import io.luciole.Output;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What is written of each text.
 *
 * @param outputs its vectors
 * @param dimension the number of components of a dense vector
 * @param tokenStrings gives the strings of the token ids of sparse vectors; null to leave them out
 * @param about what readers should know of the whole file, by name; for formats that have a place
 *     for it
 */
public record VectorLayout(
    Set<Output> outputs,
    int dimension,
    @Nullable IntFunction<String> tokenStrings,
    Map<String, String> about) {
  /** Copies the collections. */
  public VectorLayout {
    outputs = EnumSet.copyOf(outputs);
    about = Map.copyOf(about);
  }

  /** A copy that tells this of the whole file. */
  VectorLayout withAbout(Map<String, String> told) {
    return new VectorLayout(outputs, dimension, tokenStrings, told);
  }
}
