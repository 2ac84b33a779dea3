package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Compares lists of scored documents that were computed in two ways. Lucene sums a product of
 * vectors in an order of its own for one vector, for several at once and for each width of the
 * processor's registers: scores agree up to rounding, and documents of nearly equal scores may
 * change places.
 */
final class ScoredLists {
  /**
   * Sums of 1024 products of unit vectors in single precision are nearer to each other than this.
   */
  private static final double ROUNDING = 1e-5;

  private ScoredLists() {}

  /** Asserts that two lists hold the same documents with the same scores, up to rounding. */
  static void assertAlike(String what, List<ScoredId> found, List<ScoredId> expected) {
    Map<String, Double> scores =
        expected.stream().collect(Collectors.toMap(ScoredId::id, ScoredId::score));
    assertThat(found).as(what).extracting(ScoredId::id).hasSameElementsAs(scores.keySet());
    assertThat(found).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.get(i).score())
          .as("%s, %s", what, found.get(i).id())
          .isCloseTo(scores.get(found.get(i).id()), within(rounding(found.get(i).score())));
    }
    assertThat(found)
        .as(what + ", in order")
        .extracting(ScoredId::score)
        .isSortedAccordingTo((a, b) -> Double.compare(b, a));
  }

  private static double rounding(double score) {
    return ROUNDING * Math.max(1, Math.abs(score));
  }
}
