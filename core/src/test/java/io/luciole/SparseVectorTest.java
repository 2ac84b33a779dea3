package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SparseVectorTest {
  @Test
  void dot_sumsProductsOfSharedIdsOnly() {
    SparseVector a = SparseVector.of(new int[] {2, 5, 9}, new float[] {0.5f, 1f, 2f});
    SparseVector b = SparseVector.of(new int[] {1, 5, 9, 12}, new float[] {4f, 0.25f, 0.5f, 1f});

    assertThat(a.dot(b)).isEqualTo(1.25f);
    assertThat(b.dot(a)).isEqualTo(1.25f);
    assertThat(a.dot(SparseVector.EMPTY)).isZero();
  }

  @Test
  void weightOf_isZeroForAbsentIds() {
    SparseVector v = SparseVector.of(new int[] {3, 7}, new float[] {0.5f, 0.25f});

    assertThat(v.weightOf(7)).isEqualTo(0.25f);
    assertThat(v.weightOf(4)).isZero();
  }

  @Test
  void of_copiesItsArrays() {
    int[] ids = {1, 2};
    float[] weights = {1, 2};
    SparseVector v = SparseVector.of(ids, weights);
    ids[0] = 99;
    weights[0] = 99;

    assertThat(v).isEqualTo(SparseVector.of(new int[] {1, 2}, new float[] {1, 2}));
  }

  @Test
  void of_refusesWhatIsNoVector() {
    assertThatThrownBy(() -> SparseVector.of(new int[] {1}, new float[0]))
        .hasMessage("expected as many weights as ids, got 0 and 1");
    assertThatThrownBy(() -> SparseVector.of(new int[] {4, 4}, new float[] {1, 1}))
        .hasMessage("ids must be non-negative and strictly ascending, got 4 at index 1 after 4");
    assertThatThrownBy(() -> SparseVector.of(new int[] {-1}, new float[] {1}))
        .hasMessage("ids must be non-negative and strictly ascending, got -1 at index 0");
    for (float bad : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> SparseVector.of(new int[] {4}, new float[] {bad}))
          .hasMessage("weights must be positive and finite, got " + bad + " for id 4");
    }
  }
}
