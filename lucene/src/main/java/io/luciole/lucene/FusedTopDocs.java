package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;

/** Lucene's lists of hits made one; see {@link Fusion#fuse}. */
final class FusedTopDocs {
  private static final Comparator<FusionSums.Sum<Key>> BEST_FIRST =
      Comparator.<FusionSums.Sum<Key>>comparingDouble(FusionSums.Sum::score)
          .reversed()
          .thenComparing(FusionSums.Sum::key);

  private FusedTopDocs() {}

  /** A document; of one index if the shard is -1. */
  private record Key(int shard, int doc) implements Comparable<Key> {
    @Override
    public int compareTo(Key other) {
      int byShard = Integer.compare(shard, other.shard);
      return byShard != 0 ? byShard : Integer.compare(doc, other.doc);
    }
  }

  static TopDocs fuse(Fusion fusion, List<TopDocs> legs, double[] weights, int top) {
    if (weights.length != legs.size()) {
      throw new IllegalArgumentException(
          "expected a weight for each of " + legs.size() + " lists, got " + weights.length);
    }
    if (top < 1) {
      throw new IllegalArgumentException("top must be at least 1, got " + top);
    }
    List<FusionSums.Ranked<Key>> lists =
        IntStream.range(0, weights.length).mapToObj(l -> list(l, legs.get(l), weights[l])).toList();
    List<FusionSums.Sum<Key>> sums = FusionSums.of(fusion, lists).sums();
    ScoreDoc[] fused =
        sums.stream()
            .sorted(BEST_FIRST)
            .limit(top)
            .map(sum -> new ScoreDoc(sum.key().doc(), (float) sum.score(), sum.key().shard()))
            .toArray(ScoreDoc[]::new);
    return new TopDocs(
        new TotalHits(sums.size(), TotalHits.Relation.GREATER_THAN_OR_EQUAL_TO), fused);
  }

  private static FusionSums.Ranked<Key> list(int number, TopDocs leg, double weight) {
    if (!(weight >= 0) || weight == Double.POSITIVE_INFINITY) {
      throw new IllegalArgumentException("weight must be 0 or more and finite, got " + weight);
    }
    ScoreDoc[] hits = requireNonNull(leg, "leg").scoreDocs;
    float[] scores = new float[hits.length];
    Set<Key> keys = new LinkedHashSet<>();
    for (int i = 0; i < hits.length; i++) {
      scores[i] = hits[i].score;
      if (!keys.add(new Key(hits[i].shardIndex, hits[i].doc))) {
        throw new IllegalArgumentException(
            "expected each document once in list "
                + number
                + ", found "
                + hits[i].doc
                + " again at rank "
                + (i + 1));
      }
      if (!Float.isFinite(scores[i]) || (i > 0 && scores[i] > scores[i - 1])) {
        throw new IllegalArgumentException(
            "expected finite scores of list "
                + number
                + " in descending order, found "
                + scores[i]
                + " at rank "
                + (i + 1)
                + "; a list that is sorted by a field must first be ordered by its scores");
      }
    }
    // Whether a list has all that score is known to who made it only.
    return new FusionSums.Ranked<>(List.copyOf(keys), scores, weight, false);
  }
}
