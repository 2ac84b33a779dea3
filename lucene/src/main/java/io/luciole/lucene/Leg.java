package io.luciole.lucene;

import io.luciole.Output;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A retriever of a hybrid search. Each leg searches the index in its own way and gives a ranked
 * list of documents with scores in its own units; a {@link Fusion} makes one list of those.
 */
public enum Leg {
  /** Nearest dense vectors. The score is the dot product of the query's and the document's. */
  DENSE(Output.DENSE),
  /**
   * Tokens that query and document share, weighted by the model. The score is the sum of the
   * products of the weights.
   */
  SPARSE(Output.SPARSE),
  /** Words that query and document share. The score is BM25. */
  BM25(null);

  private final @Nullable Output output;

  Leg(@Nullable Output output) {
    this.output = output;
  }

  /**
   * Returns what the model must give of a text so that the leg can search.
   *
   * @return the output; empty if the leg needs no model
   */
  public Optional<Output> output() {
    return Optional.ofNullable(output);
  }

  /** The legs that can search with some outputs of a model: BM25 always, others by their output. */
  static Set<Leg> of(Set<Output> outputs) {
    EnumSet<Leg> legs = EnumSet.noneOf(Leg.class);
    for (Leg leg : values()) {
      if (leg.output == null || outputs.contains(leg.output)) {
        legs.add(leg);
      }
    }
    return legs;
  }

  /**
   * Returns the name used in options and formats.
   *
   * @return {@code dense}, {@code sparse} or {@code bm25}
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
