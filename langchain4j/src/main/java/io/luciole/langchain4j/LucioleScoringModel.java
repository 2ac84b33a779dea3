package io.luciole.langchain4j;

import static java.util.Objects.requireNonNull;

import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import dev.langchain4j.model.scoring.ScoringModel;
import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import io.luciole.Embedded;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Lane;
import io.luciole.PairScore;
import io.luciole.Scores;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Scores texts against a query, for reranking: by a reranker that reads both together ({@link
 * #crossEncoder}), or by an engine's vectors: by token vectors ({@link #colbert}) or by a weighted
 * mean of the dense, the sparse and the token vectors' scores ({@link #weighted}), as {@link
 * Scores} computes them.
 *
 * <p>Scores of a reranker are probabilities. Those by dense and token vectors are from -1 to 1, and
 * seldom below 0; sparse scores are 0 or more, and seldom above 1. They tell texts of one query
 * apart and are no probabilities: choose a {@code minScore} by trying.
 *
 * <p>Query and texts are computed in the interactive lane. Safe for use by many threads, whose
 * calls are computed in common batches. Engine and reranker stay the application's to close.
 */
public final class LucioleScoringModel implements ScoringModel {
  private final Scorer scorer;

  private LucioleScoringModel(Scorer scorer) {
    this.scorer = scorer;
  }

  /** Scores segments, of which there is at least one. */
  private interface Scorer {
    Response<List<Double>> score(List<TextSegment> segments, String query);
  }

  private record ByReranker(CrossEncoder reranker) implements Scorer {
    @Override
    public Response<List<Double>> score(List<TextSegment> segments, String query) {
      List<PairScore> scores =
          reranker.scoreAll(query, segments.stream().map(TextSegment::text).toList());
      int tokens = scores.stream().mapToInt(PairScore::tokenCount).sum();
      return Response.from(
          scores.stream().map(score -> (double) score.probability()).toList(),
          new TokenUsage(tokens));
    }
  }

  private record ByVectors(
      EmbeddingEngine engine, Scores.Weights weights, EmbedOptions asking, EmbedOptions passage)
      implements Scorer {
    static ByVectors of(EmbeddingEngine engine, Scores.Weights weights) {
      if (!engine.backend().outputs().containsAll(weights.outputs())) {
        throw new IllegalArgumentException(
            "expected a model that gives "
                + weights.outputs()
                + ", found "
                + engine.modelName()
                + ", which gives "
                + engine.backend().outputs()
                + "; give the others the weight 0");
      }
      return new ByVectors(
          engine,
          weights,
          EmbedOptions.query().outputs(weights.outputs()),
          EmbedOptions.passage().lane(Lane.INTERACTIVE).outputs(weights.outputs()));
    }

    @Override
    public Response<List<Double>> score(List<TextSegment> segments, String query) {
      Embedding asked = engine.embedAll(List.of(query), asking).get(0);
      List<Double> scores = new ArrayList<>(segments.size());
      int tokens = asked.tokenCount();
      Iterator<Embedded<TextSegment>> embedded =
          engine.embedAll(segments.iterator(), TextSegment::text, passage);
      while (embedded.hasNext()) {
        Embedding text = embedded.next().embedding();
        scores.add((double) Scores.weighted(asked, text, weights));
        tokens += text.tokenCount();
      }
      return Response.from(scores, new TokenUsage(tokens));
    }
  }

  /**
   * Scores by a reranker that reads query and text together, such as BAAI/bge-reranker-v2-m3.
   * Scores are {@link PairScore#probability probabilities}.
   *
   * @param reranker the reranker
   * @return the scoring model
   */
  public static LucioleScoringModel crossEncoder(CrossEncoder reranker) {
    return new LucioleScoringModel(new ByReranker(requireNonNull(reranker, "reranker")));
  }

  /**
   * Scores by token vectors: for each token of the query the most similar token of the text.
   *
   * @param engine the engine, whose model must give token vectors
   * @return the scoring model
   * @throws IllegalArgumentException if the model gives none
   */
  public static LucioleScoringModel colbert(EmbeddingEngine engine) {
    return weighted(engine, new Scores.Weights(0, 0, 1));
  }

  /**
   * Scores by all three kinds of vectors, with the weights of the BGE-M3 paper ({@link
   * Scores.Weights#ALL}).
   *
   * @param engine the engine, whose model must give all three
   * @return the scoring model
   * @throws IllegalArgumentException if the model does not give all
   */
  public static LucioleScoringModel allScores(EmbeddingEngine engine) {
    return weighted(engine, Scores.Weights.ALL);
  }

  /**
   * Scores by a weighted mean.
   *
   * @param engine the engine, whose model must give each output of a weight above 0
   * @param weights what each kind of score counts
   * @return the scoring model
   * @throws IllegalArgumentException if the model does not give all of them
   */
  public static LucioleScoringModel weighted(EmbeddingEngine engine, Scores.Weights weights) {
    return new LucioleScoringModel(
        ByVectors.of(requireNonNull(engine, "engine"), requireNonNull(weights, "weights")));
  }

  /**
   * Scores texts against a query. Blocks until the scores are there.
   *
   * @param segments the texts
   * @param query the query
   * @return a score for each text in their order, and the number of tokens that the model read
   */
  @Override
  public Response<List<Double>> scoreAll(List<TextSegment> segments, String query) {
    if (segments.isEmpty()) {
      return Response.from(List.of());
    }
    return scorer.score(segments, query);
  }
}
