package io.luciole.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.luciole.CrossEncoder;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Scores of pairs that a reranker's authors publish, for it to be held against.
 *
 * @param model the model's name on the hub
 * @param source who says so
 * @param tolerance how far scores may be off that are computed in fp32
 * @param pairs at least one
 */
record PairFigures(
    @JsonProperty(required = true) String model,
    @JsonProperty(required = true) String source,
    @JsonProperty(required = true) double tolerance,
    @JsonProperty(required = true) List<Pair> pairs) {
  PairFigures {
    Figures.require(model != null && source != null, "null as model or source");
    Figures.requireTolerance(tolerance);
    Figures.requireAll(pairs, "pairs");
  }

  /**
   * A pair with its score.
   *
   * @param score as the model computes it, before any function that maps it to 0..1
   */
  record Pair(
      @JsonProperty(required = true) String query,
      @JsonProperty(required = true) String passage,
      @JsonProperty(required = true) double score) {
    Pair {
      Figures.require(query != null && passage != null, "null as query or passage of a pair");
      Figures.require(Double.isFinite(score), "the score " + score + " of a pair");
    }
  }

  /**
   * Compares a reranker with the figures.
   *
   * @param slack what its arithmetic adds to the tolerance
   */
  List<Check> compare(CrossEncoder reranker, double slack) {
    return IntStream.range(0, pairs.size())
        .mapToObj(i -> {
          Pair pair = pairs.get(i);
          float found = reranker.score(pair.query(), pair.passage()).join().value();
          return new Check("score of pair " + (i + 1), found, pair.score(), tolerance + slack);
        })
        .toList();
  }
}
