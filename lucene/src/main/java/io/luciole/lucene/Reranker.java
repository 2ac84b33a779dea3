package io.luciole.lucene;

import io.luciole.Embedding;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.TaskExecutor;
import org.jspecify.annotations.Nullable;

/** Reranks the best of a fused list by exact scores, on several threads. */
final class Reranker {
  private final IndexReader reader;
  private final VectorQueries queries;
  private final TaskExecutor tasks;

  /**
   * A document of the final ranking.
   *
   * @param score what it is ranked by
   * @param exact the scores of vectors by which it was reranked, or null if it was not
   * @param byModel whether it was reranked by a model's score
   */
  record Ranked(
      FusedList.Entry entry, double score, ExactScorer.@Nullable Score exact, boolean byModel) {
    /** A document in its place by the fusion. */
    static Ranked asIs(FusedList.Entry entry) {
      return new Ranked(entry, entry.score(), null, false);
    }

    /** A document in its place by a model's score. */
    static Ranked byModel(FusedList.Entry entry, float score) {
      return new Ranked(entry, score, null, true);
    }

    /** How it came to its score. */
    Explanation explain(Explanation fused) {
      if (byModel) {
        return Explanation.match(score, "reranked, score of the reranker's model", fused);
      }
      return exact == null ? fused : VectorRescorer.explain(exact, fused);
    }
  }

  Reranker(IndexReader reader, VectorQueries queries, TaskExecutor tasks) {
    this.reader = reader;
    this.queries = queries;
    this.tasks = tasks;
  }

  /** A fused list in its own order. */
  static List<Ranked> asIs(FusedList fused) {
    return fused.entries().stream().map(Ranked::asIs).toList();
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
    int[] docs = best.stream().mapToInt(FusedList.Entry::doc).toArray();
    List<ExactScorer.Score> scores =
        new ExactScorer(queries, query, how.weights()).score(reader, docs, tasks, timeOut);
    if (scores.size() < best.size()) {
      return null;
    }
    List<Ranked> ranked = new ArrayList<>(docs.length);
    for (int i = 0; i < docs.length; i++) {
      ranked.add(new Ranked(best.get(i), scores.get(i).score(), scores.get(i), false));
    }
    return sorted(ranked, entries);
  }

  /** Reranked documents by their scores, and behind them the others in their order. */
  static List<Ranked> sorted(List<Ranked> reranked, List<FusedList.Entry> entries) {
    List<Ranked> ranked = new ArrayList<>(entries.size());
    reranked.stream()
        .sorted(
            Comparator.comparingDouble(Ranked::score)
                .reversed()
                .thenComparingInt(r -> r.entry().doc()))
        .forEach(ranked::add);
    entries.subList(reranked.size(), entries.size()).stream()
        .map(Ranked::asIs)
        .forEach(ranked::add);
    return ranked;
  }
}
