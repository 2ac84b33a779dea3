package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Rescorer;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;

/** Lucene's rescorer by exact scores; see {@link VectorQueries#rescorer}. */
final class VectorRescorer extends Rescorer {
  private final ExactScorer scorer;

  VectorRescorer(ExactScorer scorer) {
    this.scorer = scorer;
  }

  @Override
  public TopDocs rescore(IndexSearcher searcher, TopDocs firstPass, int top) throws IOException {
    ScoreDoc[] ascending = firstPass.scoreDocs.clone();
    Arrays.sort(ascending, Comparator.comparingInt(hit -> hit.doc));
    int[] docs = Arrays.stream(ascending).mapToInt(hit -> hit.doc).toArray();
    List<ExactScorer.Score> scores =
        scorer.score(searcher.getIndexReader(), docs, searcher.getTaskExecutor(), () -> false);
    ScoreDoc[] rescored = new ScoreDoc[docs.length];
    for (int i = 0; i < docs.length; i++) {
      rescored[i] = new ScoreDoc(docs[i], (float) scores.get(i).score(), ascending[i].shardIndex);
    }
    Arrays.sort(rescored, VectorSearch.BEST_FIRST);
    return new TopDocs(
        firstPass.totalHits, Arrays.copyOf(rescored, Math.min(top, rescored.length)));
  }

  @Override
  public Explanation explain(IndexSearcher searcher, Explanation firstPass, int doc)
      throws IOException {
    return explain(
        scorer.score(searcher.getIndexReader(), new int[] {doc}, () -> false).get(0), firstPass);
  }

  /** How exact scores made a score, with what came before them. */
  static Explanation explain(ExactScorer.Score exact, Explanation before) {
    List<Explanation> parts = new ArrayList<>();
    add(parts, "dense", exact.weights().dense(), exact.dense());
    add(parts, "sparse", exact.weights().sparse(), exact.sparse());
    add(parts, "colbert", exact.weights().colbert(), exact.colbert());
    parts.add(before);
    return Explanation.match(
        exact.score(), "reranked, sum of weight × score over the sum of the weights:", parts);
  }

  private static void add(List<Explanation> parts, String name, double weight, float score) {
    if (weight > 0) {
      parts.add(
          Explanation.match(
              score, name + ", score by the kept vectors", Explanation.match(weight, "weight")));
    }
  }
}
