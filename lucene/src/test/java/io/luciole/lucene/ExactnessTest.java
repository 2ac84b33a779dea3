package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.assertj.core.api.recursive.comparison.RecursiveComparisonConfiguration;
import org.assertj.core.util.DoubleComparator;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Each leg, fusion and rescoring against a plain computation over all documents. */
class ExactnessTest {
  private static final long SEED = 20_261_122;

  @TempDir Path folder;

  private SearchFixture fixture(Function<SchemaBuilder, HybridSchema> s) {
    return new SearchFixture(folder.resolve("index"), SEED, s);
  }

  private static List<String> ids(List<ScoredId> list) {
    return list.stream().map(ScoredId::id).toList();
  }

  /** The same ids in the same order, scores within a tolerance. */
  private static void assertSame(
      String what, List<ScoredId> found, List<ScoredId> expected, double tolerance) {
    assertThat(ids(found)).as("seed %d, %s", SEED, what).isEqualTo(ids(expected));
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.get(i).score())
          .as("seed %d, %s, rank %d", SEED, what, i + 1)
          .isCloseTo(expected.get(i).score(), within(tolerance));
    }
  }

  private static double positive(double score) {
    return score > 0 ? score : Double.NaN;
  }

  /** The weights as a form of postings keeps them. */
  private static SparseVector rounded(SparseVector vector, SparseForm form, int scale) {
    int[] ids = new int[vector.size()];
    float[] weights = new float[vector.size()];
    int n = 0;
    for (int i = 0; i < vector.size(); i++) {
      float bits =
          Float.intBitsToFloat((Float.floatToIntBits(vector.weight(i)) + (1 << 14)) & -(1 << 15));
      float w =
          form != SparseForm.FEATURES ? (float) Math.round(vector.weight(i) * scale) / scale : bits;
      if (w > 0) {
        ids[n] = vector.id(i);
        weights[n++] = w;
      }
    }
    return SparseVector.of(Arrays.copyOf(ids, n), Arrays.copyOf(weights, n));
  }

  @TestFactory
  List<DynamicTest> sparseLeg_equalsBruteForce() {
    List<DynamicTest> tests = new ArrayList<>();
    for (SparseForm form : SparseForm.values()) {
      for (boolean exact : new boolean[] {true, false}) {
        for (int scale : form != SparseForm.FEATURES ? new int[] {16, 256} : new int[] {1}) {
          tests.add(
              DynamicTest.dynamicTest(
                  form + (exact ? " exact " : " rounded ") + scale,
                  () -> sparseLeg(form, exact, scale)));
        }
      }
    }
    return tests;
  }

  private void sparseLeg(SparseForm form, boolean exact, int scale) {
    Path index = folder.resolve(form + "-" + exact + "-" + scale);
    try (SearchFixture f =
        new SearchFixture(
            index, SEED, b -> b.sparseForm(form).sparseScale(scale).exactSparse(exact).build())) {
      for (int q = 0; q < 200; q++) {
        String text = f.texts.text(1 + q % 30);
        SparseVector query = f.query(text).sparse();
        List<ScoredId> expected =
            f.bruteForce(
                e -> positive(query.dot(exact ? e.sparse() : rounded(e.sparse(), form, scale))));
        int depth = 1 + q % 50;
        SearchResult result = f.searcher.search(HybridQuery.of(text).legs(Leg.SPARSE).depth(depth));
        assertSame(
            form + " " + text,
            result.leg(Leg.SPARSE),
            expected.subList(0, Math.min(depth, expected.size())),
            exact ? 0 : 1e-6);
      }
    }
  }

  @TestFactory
  List<DynamicTest> denseLeg_overAllDocuments_equalsBruteForce() {
    List<DynamicTest> tests = new ArrayList<>();
    for (DenseQuantization quantization : DenseQuantization.values()) {
      tests.add(
          DynamicTest.dynamicTest(
              quantization.id(),
              () -> {
                try (SearchFixture f =
                    new SearchFixture(
                        folder.resolve(quantization.id()),
                        SEED,
                        b -> b.quantization(quantization).build())) {
                  denseLeg(f, quantization);
                }
              }));
    }
    return tests;
  }

  /** The vector as the index keeps it. */
  static Embedding kept(Embedding embedding, DenseQuantization quantization) {
    return quantization.keepsFloats()
        ? embedding
        : embedding.withDense(DenseBytes.decode(DenseBytes.encode(embedding.dense())));
  }

  private static void denseLeg(SearchFixture f, DenseQuantization quantization) {
    for (int q = 0; q < 50; q++) {
      String text = f.texts.text(1 + q % 30);
      Embedding query = f.query(text);
      List<ScoredId> expected = f.bruteForce(e -> Scores.dense(query, kept(e, quantization)));
      SearchResult result =
          f.searcher.search(HybridQuery.of(text).legs(Leg.DENSE).depth(1_000_000));
      List<ScoredId> found = result.leg(Leg.DENSE);
      // Floats that differ in the last bit may change places.
      assertThat(found).hasSameSizeAs(expected);
      Map<String, Double> scores = new HashMap<>();
      expected.forEach(e -> scores.put(e.id(), e.score()));
      for (int i = 0; i < found.size(); i++) {
        assertThat(found.get(i).score())
            .isCloseTo(scores.getOrDefault(found.get(i).id(), Double.NaN), within(1e-6))
            .isCloseTo(expected.get(i).score(), within(1e-6));
      }
      // Twins whose scores tie to the last bit: the one that comes first in the index comes first.
      List<String> ids = ids(found);
      List<String> order = f.documents.stream().map(SourceDocument::id).toList();
      for (int i = 0; i < 40; i++) {
        int twin = ids.indexOf("twin" + i);
        int first = ids.indexOf("d" + i * 3);
        if (twin >= 0 && first >= 0 && found.get(twin).score() == found.get(first).score()) {
          assertThat(first < twin)
              .isEqualTo(order.indexOf("d" + i * 3) < order.indexOf("twin" + i));
        }
      }
    }
  }

  @Test
  void denseLeg_byTheGraph_findsNearlyAll() {
    try (SearchFixture f = fixture(SchemaBuilder::build)) {
      int found = 0;
      for (int q = 0; q < 50; q++) {
        String text = f.texts.text(1 + q % 30);
        Embedding query = f.query(text);
        List<String> expected = ids(f.bruteForce(e -> Scores.dense(query, e)).subList(0, 10));
        SearchResult result = f.searcher.search(HybridQuery.of(text).legs(Leg.DENSE).depth(10));
        assertThat(result.leg(Leg.DENSE)).hasSize(10);
        found += (int) ids(result.leg(Leg.DENSE)).stream().filter(expected::contains).count();
      }
      assertThat(found / 500.0).as("recall@10, seed %d", SEED).isGreaterThan(0.95);
    }
  }

  @Test
  void fusions_equalAPlainRecomputationFromTheLegsLists() {
    List<Fusion> fusions =
        Fusion.names().stream().map(name -> Fusion.parse(name.replace("K", "2"))).toList();
    try (SearchFixture f = fixture(SchemaBuilder::build)) {
      List<String> order = f.documents.stream().map(SourceDocument::id).toList();
      for (int q = 0; q < 30; q++) {
        String text = f.texts.text(1 + q % 30);
        HybridQuery query =
            HybridQuery.of(text)
                .depth(Leg.DENSE, 20)
                .depth(Leg.SPARSE, 30)
                .depth(Leg.BM25, 10 + q)
                .weight(Leg.DENSE, 1)
                .weight(Leg.SPARSE, 0.3)
                .weight(Leg.BM25, q % 3)
                .top(1000);
        for (Fusion fusion : fusions) {
          SearchResult result = f.searcher.search(query.fusion(fusion));
          List<ScoredId> expected = recompute(fusion.name(), result.legs(), query, order);
          assertSame(fusion.name() + " " + text, result.fused(), expected, 1e-6);
          assertThat(result.hits().stream().map(Hit::id).toList()).isEqualTo(ids(result.fused()));
          for (Hit hit : result.hits()) {
            assertThat(hit.explain().getValue().doubleValue()).isEqualTo(hit.score());
            for (Map.Entry<Leg, LegScore> leg : hit.legs().entrySet()) {
              ScoredId inLeg = result.leg(leg.getKey()).get(leg.getValue().rank() - 1);
              assertThat(inLeg.id()).isEqualTo(hit.id());
              assertThat((float) inLeg.score()).isEqualTo(leg.getValue().score());
            }
            boolean isWhole = !fusion.name().equals("zscore") || hit.legs().size() == 3;
            if (isWhole) {
              assertThat(hit.legs().values().stream().mapToDouble(LegScore::contribution).sum())
                  .isCloseTo(hit.score(), within(1e-6));
            }
          }
        }
      }
    }
  }

  /** The fusions once more, by their definitions. */
  private static List<ScoredId> recompute(
      String name, Map<Leg, List<ScoredId>> legs, HybridQuery query, List<String> order) {
    Map<String, Double> scores = new HashMap<>();
    legs.values().forEach(list -> list.forEach(hit -> scores.put(hit.id(), 0.0)));
    double weights = legs.keySet().stream().mapToDouble(l -> query.options(l).weight()).sum();
    legs.forEach((leg, list) -> {
      double weight = query.options(leg).weight();
      double[] s = list.stream().mapToDouble(ScoredId::score).toArray();
      double mean = Arrays.stream(s).average().orElse(0);
      double sd = Math.sqrt(Arrays.stream(s).map(x -> (x - mean) * (x - mean)).average().orElse(0));
      for (String id : List.copyOf(scores.keySet())) {
        int rank = ids(list).indexOf(id) + 1;
        double x = rank > 0 ? s[rank - 1] : Double.NaN;
        double part =
            switch (name) {
              case "rrf:60" -> rank > 0 ? 1.0 / (60 + rank) : 0;
              case "rrf:2" -> rank > 0 ? 1.0 / (2 + rank) : 0;
              case "auto", "soft" ->
                  rank > 0 ? share(name, leg, legs) * soft(leg, list, query, x) : 0;
              case "sum" -> rank > 0 ? x / weights : 0;
              case "minmax" ->
                  rank > 0
                      ? (s[0] > s[s.length - 1]
                              ? (x - s[s.length - 1]) / (s[0] - s[s.length - 1])
                              : 1)
                          / weights
                      : 0;
              case "zscore" ->
                  s.length == 0 || sd == 0
                      ? 0
                      : ((rank > 0 ? x : s[s.length - 1]) - mean) / sd / weights;
              case "dbsf" ->
                  rank > 0 ? (sd == 0 ? 0.5 : (x - (mean - 3 * sd)) / (6 * sd)) / weights : 0;
              default -> throw new AssertionError("expected the definition of " + name + " here");
            };
        scores.merge(id, weight * part, Double::sum);
      }
    });
    List<ScoredId> fused = new ArrayList<>();
    scores.forEach((id, score) -> fused.add(new ScoredId(id, score)));
    fused.sort(
        Comparator.<ScoredId>comparingDouble(hit -> -(float) hit.score())
            .thenComparingInt(hit -> order.indexOf(hit.id())));
    return fused;
  }

  /** Sparse weights and words count half if there are dense vectors too, and the fusion is auto. */
  private static double share(String name, Leg leg, Map<Leg, List<ScoredId>> legs) {
    boolean shares = name.equals("auto") && leg != Leg.DENSE && legs.size() == 3;
    return shares ? 0.5 : 1;
  }

  private static double soft(Leg leg, List<ScoredId> list, HybridQuery query, double score) {
    double[] seen = list.stream().mapToDouble(ScoredId::score).limit(100).toArray();
    if (leg != Leg.DENSE && list.size() < query.options(leg).depth()) {
      seen = Arrays.copyOf(seen, 100);
    }
    double mean = Arrays.stream(seen).average().orElse(0);
    double sd =
        Math.sqrt(Arrays.stream(seen).map(x -> (x - mean) * (x - mean)).average().orElse(0));
    double z = sd == 0 ? 0 : (score - mean) / sd;
    return Math.exp(0.45 * (z > 6 ? 6 + (z - 6) / 10 : z));
  }

  @TestFactory
  List<DynamicTest> rerank_equalsScores() {
    List<DynamicTest> tests = new ArrayList<>();
    for (MultiVectorForm form : MultiVectorForm.values()) {
      tests.add(
          DynamicTest.dynamicTest(
              form.id(),
              () -> {
                try (SearchFixture f =
                    new SearchFixture(
                        folder.resolve(form.id()),
                        SEED,
                        b -> b.multiVectors(form).quantization(DenseQuantization.BITS_8).build())) {
                  rerank(f, form == MultiVectorForm.FLOAT32 ? 1e-5 : 4e-3);
                }
              }));
    }
    return tests;
  }

  private static void rerank(SearchFixture f, double tolerance) {
    for (Scores.Weights weights :
        List.of(HybridQuery.Rerank.COLBERT, Scores.Weights.ALL, Scores.Weights.DENSE_AND_SPARSE)) {
      for (int q = 0; q < 20; q++) {
        String text = f.texts.text(1 + q % 30);
        Embedding query = f.query(text);
        HybridQuery plain = HybridQuery.of(text).top(1000);
        List<ScoredId> fused = f.searcher.search(plain).fused();
        SearchResult result = f.searcher.search(plain.rerank(new HybridQuery.Rerank(25, weights)));
        List<ScoredId> best = result.fused().subList(0, 25);
        assertThat(ids(best)).containsExactlyInAnyOrderElementsOf(ids(fused.subList(0, 25)));
        // Not to the last bit: sums in vectors may change their order when they are compiled.
        assertThat(result.fused().subList(25, fused.size()))
            .usingRecursiveFieldByFieldElementComparator(
                RecursiveComparisonConfiguration.builder()
                    .withComparatorForType(new DoubleComparator(1e-5), Double.class)
                    .build())
            .isEqualTo(fused.subList(25, fused.size()));
        for (ScoredId hit : best) {
          Embedding passage = f.embeddings.get(hit.id());
          assertThat(passage).isNotNull();
          if (passage != null) {
            assertThat(hit.score())
                .isCloseTo(Scores.weighted(query, passage, weights), within(tolerance));
          }
        }
        assertThat(best)
            .isSortedAccordingTo(Comparator.comparingDouble(ScoredId::score).reversed());
        assertThat(result.hits().get(0).explain().toString()).contains("reranked", "auto");
        assertThat(result.partial()).isFalse();
      }
    }
  }

  @Test
  void matchedTokens_areThoseOfBothWithBothWeights() {
    for (boolean exact : new boolean[] {true, false}) {
      try (SearchFixture f =
          new SearchFixture(
              folder.resolve("tokens" + exact), SEED, b -> b.exactSparse(exact).build())) {
        String text = "firefly light звезда 光 night";
        SparseVector query = f.query(text).sparse();
        SearchResult result =
            f.searcher.search(HybridQuery.of(text).legs(Leg.SPARSE).matchedTokens(true));
        assertThat(result.hits()).hasSize(10);
        for (Hit hit : result.hits()) {
          double sum = 0;
          Embedding passage = f.embeddings.get(hit.id());
          assertThat(passage).isNotNull();
          for (TokenMatch token : hit.tokens()) {
            assertThat(token.queryWeight()).isEqualTo(query.weightOf(token.tokenId()));
            if (passage != null) {
              assertThat((double) token.documentWeight())
                  .isCloseTo(
                      passage.sparse().weightOf(token.tokenId()), within(exact ? 0 : 1 / 512.0));
            }
            assertThat(token.token()).isEqualTo(f.engine.decodeToken(token.tokenId()));
            sum += token.product();
          }
          LegScore said = hit.legs().get(Leg.SPARSE);
          assertThat(said).isNotNull();
          if (said != null) {
            assertThat(sum).isCloseTo(said.score(), within(1e-5));
          }
        }
      }
    }
  }
}
