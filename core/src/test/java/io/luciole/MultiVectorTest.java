package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import org.junit.jupiter.api.Test;

class MultiVectorTest {
  @Test
  void maxSim_averagesTheBestMatchOfEachQueryRow() {
    MultiVector query = MultiVector.of(2, new float[] {1, 0, 0, 1});
    MultiVector passage = MultiVector.of(2, new float[] {0.6f, 0.8f, -1, 0, 0, -1});

    // Rows of the query: best of (0.6, -1, 0) and best of (0.8, 0, -1).
    assertThat(query.maxSim(passage)).isCloseTo(0.7f, offset(1e-7f));
    // The other way about: 0.8, 0 and 0 over three rows.
    assertThat(passage.maxSim(query)).isCloseTo(0.8f / 3, offset(1e-7f));
  }

  @Test
  void maxSim_isZeroWithoutRows() {
    MultiVector none = MultiVector.of(2, new float[0]);
    MultiVector some = MultiVector.of(2, new float[] {1, 0});

    assertThat(none.rows()).isZero();
    assertThat(none.maxSim(some)).isZero();
    assertThat(some.maxSim(none)).isZero();
  }

  @Test
  void rows_areCopies() {
    MultiVector v = MultiVector.of(2, new float[] {1, 0, 0, 1});
    v.row(1)[0] = 5;

    assertThat(v.row(1)).containsExactly(0, 1);
    assertThat(v.toArrays()).isDeepEqualTo(new float[][] {{1, 0}, {0, 1}});
  }

  @Test
  void of_refusesPartialRowsAndOtherDimensions() {
    assertThatThrownBy(() -> MultiVector.of(3, new float[4]))
        .hasMessage("expected whole rows of 3 values, got 4 values");
    assertThatThrownBy(() -> MultiVector.of(0, new float[4]))
        .hasMessage("dimension must be at least 1, got 0");
    assertThatThrownBy(
            () -> MultiVector.of(2, new float[2]).maxSim(MultiVector.of(3, new float[3])))
        .hasMessage("expected rows of 2 values, got 3");
  }
}
