package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SoftMaximumTest {
  private static final Set<Leg> TWO = EnumSet.of(Leg.DENSE, Leg.BM25);

  /** Scores from a seed, best first. */
  private static float[] scores(long seed, int count) {
    Random random = new Random(seed);
    float[] ascending = new float[count];
    for (int i = 0; i < count; i++) {
      ascending[i] = (float) Math.exp(random.nextGaussian());
    }
    Arrays.sort(ascending);
    float[] scores = new float[count];
    for (int i = 0; i < count; i++) {
      scores[i] = ascending[count - 1 - i];
    }
    return scores;
  }

  @Test
  void contributions_areThoseOfTheDefinition() {
    double[] contributions = Fusion.softMaximum().contributions(new float[] {3, 2, 1}, false);
    double deviation = Math.sqrt(2.0 / 3);
    assertThat(contributions[0]).isCloseTo(Math.exp(0.45 / deviation), within(1e-12));
    assertThat(contributions[1]).isEqualTo(1);
    assertThat(contributions[2]).isCloseTo(Math.exp(-0.45 / deviation), within(1e-12));
    assertThat(Fusion.softMaximum().contributions(new float[] {5, 5}, false)).containsExactly(1, 1);
  }

  @Test
  void contributions_doNotDependOnWhatLiesBehindTheHundredth() {
    float[] deep = scores(1, 1000);
    float[] shallow = Arrays.copyOf(deep, 100);
    for (boolean restIsZero : new boolean[] {false, true}) {
      assertThat(Arrays.copyOf(Fusion.auto().contributions(deep, restIsZero), 100))
          .isEqualTo(Fusion.auto().contributions(shallow, restIsZero));
    }
  }

  @Test
  void contributions_keepTheOrderOfTheLegAboveTheBoundToo() {
    float[] scores = new float[100];
    Arrays.fill(scores, 1);
    scores[0] = 100;
    scores[1] = 90;
    double[] contributions = Fusion.softMaximum().contributions(scores, false);
    assertThat(contributions[0]).isGreaterThan(contributions[1]);
    assertThat(contributions[1]).isGreaterThan(contributions[2]);
    assertThat(contributions[0]).isLessThan(Math.exp(0.45 * 6.5));
  }

  @Test
  void onlyHitOfTheWords_isAtTheTop() {
    List<ScoredId> dense =
        List.of(new ScoredId("near", 0.62), new ScoredId("far", 0.6), new ScoredId("part", 0.4));
    List<ScoredId> words = List.of(new ScoredId("part", 4.2));
    Map<Leg, List<ScoredId>> lists = new LinkedHashMap<>(Map.of(Leg.DENSE, dense, Leg.BM25, words));
    Map<Leg, Double> equal = Map.of(Leg.DENSE, 1.0, Leg.BM25, 1.0);
    for (Fusion fusion : List.of(Fusion.auto(), Fusion.softMaximum())) {
      assertThat(LegLists.of(lists).fuse(fusion, equal).get(0).id()).isEqualTo("part");
    }
    // As an equal standard score of all would have it.
    assertThat(LegLists.of(lists).fuse(Fusion.zScore(), equal).get(0).id()).isEqualTo("near");
  }

  @Test
  void factor_followsHowWellTheModelKnowsTheQuery() {
    assertThat(denseFactor(OptionalDouble.of(1))).isEqualTo(2);
    assertThat(denseFactor(OptionalDouble.of(0))).isEqualTo(0.25);
    assertThat(denseFactor(OptionalDouble.of(0.5))).isCloseTo(Math.sqrt(0.5), within(1e-12));
    assertThat(denseFactor(OptionalDouble.empty())).isEqualTo(1);
    QueryTraits known = new QueryTraits(TWO, OptionalDouble.of(1));
    assertThat(Fusion.auto().factor(Leg.BM25, known)).isEqualTo(1);
    assertThat(Fusion.softMaximum().factor(Leg.DENSE, known)).isEqualTo(1);
    assertThat(Fusion.rrf().factor(Leg.DENSE, known)).isEqualTo(1);
  }

  private static double denseFactor(OptionalDouble familiarity) {
    return Fusion.auto().factor(Leg.DENSE, new QueryTraits(TWO, familiarity));
  }

  @Test
  void factor_letsWordsAndTokensShareOneVoteBesideDenseVectors() {
    QueryTraits three = new QueryTraits(EnumSet.allOf(Leg.class), OptionalDouble.empty());
    assertThat(Fusion.auto().factor(Leg.SPARSE, three)).isEqualTo(0.5);
    assertThat(Fusion.auto().factor(Leg.BM25, three)).isEqualTo(0.5);
    assertThat(Fusion.auto().factor(Leg.DENSE, three)).isEqualTo(1);
    QueryTraits words = new QueryTraits(EnumSet.of(Leg.SPARSE, Leg.BM25), OptionalDouble.empty());
    assertThat(Fusion.auto().factor(Leg.SPARSE, words)).isEqualTo(1);
  }

  @Test
  void traits_refuseAFamiliarityOutOfRange() {
    assertThatThrownBy(() -> new QueryTraits(TWO, OptionalDouble.of(1.1)))
        .hasMessageContaining("1.1");
  }
}
