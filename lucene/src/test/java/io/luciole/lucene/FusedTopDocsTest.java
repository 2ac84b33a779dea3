package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Lists of Lucene's, fused. */
@Tag("lucene-10.0")
class FusedTopDocsTest {
  private static TopDocs list(ScoreDoc... hits) {
    return new TopDocs(new TotalHits(hits.length, TotalHits.Relation.EQUAL_TO), hits);
  }

  @Test
  void lists_areFusedAsThoseOfASearch() {
    Random random = new Random(7);
    Leg[] legs = Leg.values();
    List<TopDocs> lists = new ArrayList<>();
    Map<Leg, List<ScoredId>> byId = new EnumMap<>(Leg.class);
    double[] weights = {1, 0.3, 0.7};
    Map<Leg, Double> byLeg = new EnumMap<>(Leg.class);
    for (int l = 0; l < legs.length; l++) {
      List<ScoreDoc> hits = new ArrayList<>();
      for (int doc = 0; doc < 60; doc++) {
        if (random.nextInt(3) > 0) {
          hits.add(new ScoreDoc(doc, random.nextInt(40) / 8f));
        }
      }
      hits.sort(Comparator.<ScoreDoc>comparingDouble(h -> -h.score).thenComparingInt(h -> h.doc));
      lists.add(list(hits.toArray(ScoreDoc[]::new)));
      byId.put(legs[l], hits.stream().map(h -> new ScoredId("d" + h.doc, h.score)).toList());
      byLeg.put(legs[l], weights[l]);
    }
    for (String name : List.of("rrf:60", "sum", "minmax", "zscore", "dbsf")) {
      Fusion fusion = Fusion.parse(name);
      TopDocs fused = fusion.fuse(lists, weights, 1000);
      List<ScoredId> expected = LegLists.of(byId).fuse(fusion, byLeg);
      assertThat(fused.totalHits.value()).isEqualTo(expected.size());
      assertThat(fused.scoreDocs).hasSameSizeAs(expected);
      for (int i = 0; i < fused.scoreDocs.length; i++) {
        assertThat((double) fused.scoreDocs[i].score)
            .as(name)
            .isCloseTo(expected.get(i).score(), within(1e-6));
        if (i > 0 && fused.scoreDocs[i].score == fused.scoreDocs[i - 1].score) {
          assertThat(fused.scoreDocs[i].doc).as(name).isGreaterThan(fused.scoreDocs[i - 1].doc);
        }
      }
      assertThat(fusion.fuse(lists, weights, 5).scoreDocs)
          .extracting(h -> h.doc)
          .isEqualTo(Arrays.stream(fused.scoreDocs).limit(5).map(h -> h.doc).toList());
    }
  }

  @Test
  void documents_ofSeveralShards_areKnownByShardAndNumber() {
    TopDocs a = list(new ScoreDoc(3, 2, 1), new ScoreDoc(3, 1, 0));
    TopDocs b = list(new ScoreDoc(3, 9, 0), new ScoreDoc(3, 8, 1), new ScoreDoc(1, 8, 0));
    TopDocs fused = Fusion.rrf(0).fuse(List.of(a, b), new double[] {1, 1}, 10);
    // 1 + 1/2 for each of the two, so that the shard decides; then 1/3.
    assertThat(fused.scoreDocs)
        .extracting(h -> h.shardIndex + "/" + h.doc)
        .containsExactly("0/3", "1/3", "0/1");
    assertThat(fused.scoreDocs[0].score).isEqualTo(1.5f);
  }

  @Test
  void empty_isWhatNothingMakes() {
    assertThat(Fusion.usual().fuse(List.of(list(), list()), new double[] {1, 1}, 3).scoreDocs)
        .isEmpty();
  }

  @Test
  void wrongLists_areRefused() {
    Fusion fusion = Fusion.rrf();
    TopDocs good = list(new ScoreDoc(0, 1));
    assertThatThrownBy(() -> fusion.fuse(List.of(good), new double[] {1, 1}, 3))
        .hasMessage("expected a weight for each of 1 lists, got 2");
    assertThatThrownBy(() -> fusion.fuse(List.of(good), new double[] {-1}, 3))
        .hasMessageContaining("weight must be 0 or more");
    assertThatThrownBy(() -> fusion.fuse(List.of(good), new double[] {1}, 0))
        .hasMessageContaining("top must be at least 1");
    for (TopDocs bad :
        List.of(
            list(new ScoreDoc(0, Float.NaN)),
            list(new ScoreDoc(0, Float.POSITIVE_INFINITY), new ScoreDoc(1, 2)),
            list(new ScoreDoc(0, 1), new ScoreDoc(1, 2)))) {
      assertThatThrownBy(() -> fusion.fuse(List.of(good, bad), new double[] {1, 1}, 3))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("scores of list 1 in descending order");
    }
    TopDocs twice = list(new ScoreDoc(7, 2), new ScoreDoc(7, 1));
    assertThatThrownBy(() -> fusion.fuse(List.of(good, twice), new double[] {1, 1}, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected each document once in list 1, found 7 again at rank 2");
  }
}
