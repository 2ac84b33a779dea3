package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** {@link BestDocuments} beside sorting all that was offered. */
class BestDocumentsTest {
  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);

  private static BestDocuments offer(
      List<BestDocuments.Scored> offers, int k, float largest, boolean repeating) {
    BestDocuments best = new BestDocuments(k, largest, repeating);
    for (BestDocuments.Scored offer : offers) {
      float before = best.worstScore();
      best.offer(offer.document(), offer.score());
      assertThat(best.worstScore()).isGreaterThanOrEqualTo(before);
    }
    return best;
  }

  private static List<BestDocuments.Scored> sorted(List<BestDocuments.Scored> offers, int k) {
    Map<Integer, Float> scores = new HashMap<>();
    offers.forEach(offer -> scores.merge(offer.document(), offer.score(), Math::max));
    return scores.entrySet().stream()
        .map(e -> new BestDocuments.Scored(e.getKey(), e.getValue()))
        .sorted(
            Comparator.<BestDocuments.Scored>comparingDouble(hit -> -hit.score())
                .thenComparingInt(BestDocuments.Scored::document))
        .limit(k)
        .sorted(Comparator.comparingInt(BestDocuments.Scored::document))
        .toList();
  }

  private void compare(IntToDoubleFunction scores, float largest) {
    for (int k : new int[] {1, 2, 10, 100, 1000}) {
      for (boolean repeating : new boolean[] {false, true}) {
        List<BestDocuments.Scored> offers = new ArrayList<>();
        int count = random.nextInt(6000);
        for (int i = 0; i < count; i++) {
          int document = repeating ? random.nextInt(count) : i * 7 % 6007;
          offers.add(new BestDocuments.Scored(document, (float) scores.applyAsDouble(i)));
        }
        BestDocuments best = offer(offers, k, largest, repeating);
        List<BestDocuments.Scored> expected = sorted(offers, k);
        assertThat(best.byDocument())
            .as("seed %d, %d of %d, %s", seed, k, count, repeating)
            .containsExactlyElementsOf(expected);
      }
    }
  }

  @Test
  void scoresInAnyOrder_leaveTheBest() {
    compare(i -> 0.001 + random.nextDouble(), 1.001f);
  }

  @Test
  void scoresThatRiseOrFall_leaveTheBest() {
    compare(i -> 1 + i / 64.0, 95);
    compare(i -> 95 - i / 64.0, 95);
  }

  @Test
  void scoresThatTie_leaveTheSmallestNumbers() {
    compare(i -> 0.5, 0.5f);
    compare(i -> 0.25 * (1 + random.nextInt(4)), 1);
  }

  /** Far below the largest score there are no ranges. */
  @Test
  void scoresOfAllSizes_leaveTheBest() {
    compare(i -> Math.pow(2, -120 * random.nextDouble()), 1);
    compare(i -> Math.pow(2, -120 * random.nextDouble()), 1e30f);
    compare(i -> Float.MIN_NORMAL * (1 + random.nextInt(8)), Float.MIN_NORMAL * 8);
  }

  @Test
  void worstScore_isReachedByAsManyAsAreWanted() {
    List<Float> taken = new ArrayList<>();
    BestDocuments best = new BestDocuments(10, 1, false);
    for (int i = 0; i < 2000; i++) {
      float score = random.nextFloat();
      best.offer(i, score);
      taken.add(score);
      float worst = best.worstScore();
      assertThat(worst == 0 || taken.stream().filter(s -> s >= worst).count() >= 10)
          .as("seed %d, offer %d", seed, i)
          .isTrue();
    }
    assertThat(best.worstScore()).as("seed %d", seed).isPositive();
  }
}
