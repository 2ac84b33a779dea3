package io.luciole.lucene;

import io.luciole.Embedding;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.TaskExecutor;
import org.jspecify.annotations.Nullable;

/** Reranks the best of a fused list by exact scores, on several threads. */
final class Reranker {
  /** Documents that one task scores; for fewer a task costs more than it saves. */
  private static final int DOCUMENTS_PER_TASK = 16;

  private final IndexReader reader;
  private final LegQueries queries;
  private final TaskExecutor tasks;

  /**
   * A document of the final ranking.
   *
   * @param score what it is ranked by
   * @param exact the scores by which it was reranked, or null if it was not
   */
  record Ranked(FusedList.Entry entry, double score, @Nullable ExactScores exact) {}

  /**
   * The exact scores of a document, or of its best passage. Those of weight 0 are not computed.
   *
   * @param passage the number in the index of that passage, or of the document
   * @param score the mean of the three by the weights
   */
  record ExactScores(
      int passage, double score, float dense, float sparse, float colbert, Scores.Weights weights) {
    Explanation explain(Explanation fused) {
      List<Explanation> parts = new ArrayList<>();
      add(parts, "dense", weights.dense(), dense);
      add(parts, "sparse", weights.sparse(), sparse);
      add(parts, "colbert", weights.colbert(), colbert);
      parts.add(fused);
      return Explanation.match(
          score, "reranked, sum of weight × score over the sum of the weights:", parts);
    }

    private static void add(List<Explanation> parts, String name, double weight, float score) {
      if (weight > 0) {
        parts.add(
            Explanation.match(score, name + ", exact score", Explanation.match(weight, "weight")));
      }
    }
  }

  Reranker(IndexReader reader, LegQueries queries, TaskExecutor tasks) {
    this.reader = reader;
    this.queries = queries;
    this.tasks = tasks;
  }

  /** A fused list in its own order. */
  static List<Ranked> asIs(FusedList fused) {
    return fused.entries().stream().map(e -> new Ranked(e, e.score(), null)).toList();
  }

  /**
   * A fused list with its best reranked, or null if time runs out.
   *
   * @param query the query's vectors, those that the weights need
   */
  @Nullable List<Ranked> rerank(
      FusedList fused, HybridQuery.Rerank how, Embedding query, BooleanSupplier timeOut)
      throws IOException {
    List<FusedList.Entry> entries = fused.entries();
    List<FusedList.Entry> best =
        new ArrayList<>(entries.subList(0, Math.min(how.depth(), entries.size())));
    best.sort(Comparator.comparingInt(FusedList.Entry::doc));
    List<Callable<List<Ranked>>> calls = new ArrayList<>();
    for (int from = 0; from < best.size(); from += DOCUMENTS_PER_TASK) {
      List<FusedList.Entry> part =
          best.subList(from, Math.min(best.size(), from + DOCUMENTS_PER_TASK));
      calls.add(() -> score(part, how.weights(), query, timeOut));
    }
    List<Ranked> ranked = new ArrayList<>(entries.size());
    tasks.invokeAll(calls).forEach(ranked::addAll);
    if (ranked.size() < best.size()) {
      return null;
    }
    ranked.sort(
        Comparator.comparingDouble(Ranked::score)
            .reversed()
            .thenComparingInt(r -> r.entry().doc()));
    for (FusedList.Entry entry : entries.subList(best.size(), entries.size())) {
      ranked.add(new Ranked(entry, entry.score(), null));
    }
    return ranked;
  }

  private List<Ranked> score(
      List<FusedList.Entry> ascending,
      Scores.Weights weights,
      Embedding query,
      BooleanSupplier timeOut)
      throws IOException {
    float[] dense = weights.dense() > 0 ? query.dense() : new float[0];
    SparseVector sparse = weights.sparse() > 0 ? query.sparse() : SparseVector.EMPTY;
    float[][] colbert = weights.colbert() > 0 ? query.colbert().toArrays() : new float[0][];
    double sumOfWeights = weights.dense() + weights.sparse() + weights.colbert();
    List<Ranked> ranked = new ArrayList<>(ascending.size());
    SegmentCursor<DocumentVectors> segments = new SegmentCursor<>(reader, queries::vectors);
    for (FusedList.Entry entry : ascending) {
      if (timeOut.getAsBoolean()) {
        return List.of();
      }
      DocumentVectors vectors = segments.advance(entry.doc());
      int doc = entry.doc() - segments.base();
      ExactScores best = null;
      for (int passage = vectors.firstPassage(doc);
          passage <= vectors.lastPassage(doc);
          passage++) {
        float d = weights.dense() > 0 ? vectors.dense(passage, dense) : 0;
        float s = weights.sparse() > 0 ? vectors.sparse(passage, sparse) : 0;
        float c = weights.colbert() > 0 ? vectors.colbert(passage, colbert) : 0;
        double score =
            (weights.dense() * d + weights.sparse() * s + weights.colbert() * c) / sumOfWeights;
        if (best == null || score > best.score()) {
          best = new ExactScores(segments.base() + passage, score, d, s, c, weights);
        }
      }
      ranked.add(new Ranked(entry, best == null ? 0 : best.score(), best));
    }
    return ranked;
  }
}
