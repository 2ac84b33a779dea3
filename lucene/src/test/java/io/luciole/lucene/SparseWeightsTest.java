package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sparse weights that are kept in the postings alone, and how exact they are. */
class SparseWeightsTest {
  private static final long SEED = 20_261_129;
  private static final Scores.Weights SPARSE = new Scores.Weights(0, 1, 0);

  @TempDir Path folder;

  private static double rounded(SparseVector query, SparseVector document, int scale) {
    double sum = 0;
    for (int i = 0; i < document.size(); i++) {
      float kept = (float) Math.round(document.weight(i) * scale) / scale;
      sum += (double) query.weightOf(document.id(i)) * kept;
    }
    return sum;
  }

  private static double half(SparseVector query, int scale) {
    double sum = 0;
    for (int i = 0; i < query.size(); i++) {
      sum += query.weight(i);
    }
    return sum / 2 / scale;
  }

  @ParameterizedTest
  @CsvSource({
    "IMPACTS, BITS_8, 256",
    "IMPACTS, BITS_10, 1024",
    "IMPACTS, BITS_12, 4096",
    "BLOCKS, BITS_8, 256",
    "BLOCKS, BITS_10, 1024",
    "BLOCKS, BITS_12, 4096"
  })
  void scoresOfThePostings_areThoseOfRoundedWeights_inSearchesAndRescoring(
      SparseForm form, SparseWeights weights, int scale) {
    try (SearchFixture f =
        new SearchFixture(
            folder.resolve("index"),
            SEED,
            b -> b.sparseForm(form).sparseWeights(weights).build())) {
      assertThat(f.searcher.schema().sparse().orElseThrow().weights()).contains(weights);
      for (int q = 0; q < 40; q++) {
        String text = f.texts.text(1 + q % 30);
        SparseVector query = f.query(text).sparse();
        HybridQuery asked = HybridQuery.of(text).depth(50).top(50);
        SearchResult found = f.searcher.search(asked.legs(Leg.SPARSE));
        assertThat(found.leg(Leg.SPARSE)).isNotEmpty();
        check(f, found.leg(Leg.SPARSE), query, scale);
        SearchResult words = f.searcher.search(asked.legs(Leg.BM25));
        SearchResult reranked =
            f.searcher.search(asked.legs(Leg.BM25).rerank(new HybridQuery.Rerank(50, SPARSE)));
        List<ScoredId> best = reranked.fused();
        assertThat(best).hasSameSizeAs(words.fused());
        check(f, best, query, scale);
      }
    }
  }

  private static void check(SearchFixture f, List<ScoredId> found, SparseVector query, int scale) {
    for (ScoredId hit : found) {
      Embedding document = f.embeddings.get(hit.id());
      assertThat(document).isNotNull();
      if (document != null) {
        SparseVector kept = document.sparse();
        assertThat(hit.score())
            .as("seed %d, %s", SEED, hit.id())
            .isCloseTo(rounded(query, kept, scale), within(1e-5))
            .isCloseTo(query.dot(kept), within(half(query, scale) + 1e-5));
      }
    }
  }

  @Test
  void twoCopies_areKeptOnlyWhereWeightsAreExact() {
    for (SparseWeights weights : SparseWeights.values()) {
      Path index = folder.resolve(weights.id());
      try (SearchFixture f =
          new SearchFixture(index, SEED, b -> b.sparseWeights(weights).build())) {
        assertThat(f.searcher.schema().sparse().orElseThrow().exact())
            .isEqualTo(weights == SparseWeights.EXACT);
      }
      assertThat(IndexDescription.read(index).parts().containsKey("values of sparse.exact"))
          .isEqualTo(weights == SparseWeights.EXACT);
    }
  }

  @Test
  void weightsOfASchema_haveANameWhereTheScaleHasOne() {
    HybridSchema own = HybridSchema.builder(8, true).exactSparse(false).sparseScale(512).build();
    assertThat(own.sparse().orElseThrow().weights()).isEmpty();
    HybridSchema usual = HybridSchema.builder(8, true).build();
    assertThat(usual.sparse().orElseThrow().weights()).contains(SparseWeights.EXACT);
    HybridSchema ten = HybridSchema.builder(8, true).sparseWeights(SparseWeights.BITS_10).build();
    assertThat(HybridSchema.parse(ten.toString())).isEqualTo(ten);
    assertThat(SparseWeights.parse(" 10BIT ")).isEqualTo(SparseWeights.BITS_10);
    assertThatThrownBy(() -> SparseWeights.parse("9bit"))
        .hasMessage("expected exact, 12bit, 10bit or 8bit, got \"9bit\"");
  }

  @Test
  void featuresWithAScaleOfOurs_areRefused() {
    SchemaBuilder features = HybridSchema.builder(8, true).sparseForm(SparseForm.FEATURES);
    assertThatThrownBy(() -> features.sparseWeights(SparseWeights.BITS_10).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("impacts or blocks")
        .hasMessageContaining("9 significant bits");
    features.sparseWeights(SparseWeights.EXACT).build();
    features.exactSparse(false).build();
  }
}
