package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.spi.TokenBatch;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class BatchLayoutTest {
  private static final TokenBatch MIXED =
      TokenBatch.of(List.of(new int[] {0, 7, 2}, new int[] {0, 2}, new int[] {0, 9, 2}));

  @Test
  void unpadded_groupsTextsOfEqualLength() {
    BatchLayout layout = BatchLayout.unpadded(MIXED, 2);

    assertThat(layout.ids).containsExactly(0, 2, 0, 7, 2, 0, 9, 2);
    assertThat(layout.positions).containsExactly(2, 3, 2, 3, 4, 2, 3, 4);
    assertThat(layout.groups).containsExactly(1, 2, 2, 3);
    assertThat(layout.order).containsExactly(1, 0, 2);
    assertThat(layout.rows).containsExactly(2, 3, 4, 0, 1, 5, 6, 7);
    assertThat(layout.mask).isEmpty();
  }

  @Test
  void unpadded_ofTextsInOrder_movesNothing() {
    BatchLayout layout =
        BatchLayout.unpadded(TokenBatch.of(List.of(new int[] {4}, new int[] {5, 6})), 0);

    assertThat(layout.positions).containsExactly(0, 0, 1);
    assertThat(layout.order).isEmpty();
    assertThat(layout.rows).isEmpty();
  }

  @Test
  void padded_alignsAndMasks() {
    BatchLayout layout = BatchLayout.padded(MIXED, 2);

    assertThat(layout.groups).containsExactly(3, 8);
    assertThat(layout.ids).hasSize(24).startsWith(0, 7, 2, 0, 0, 0, 0, 0, 0, 2, 0);
    assertThat(layout.mask).startsWith(1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0);
    assertThat(layout.order).isEmpty();
    assertThat(layout.rows).containsExactly(0, 1, 2, 8, 9, 16, 17, 18);
  }

  @Test
  void padded_ofEqualLengths_padsNothing() {
    BatchLayout layout =
        BatchLayout.padded(TokenBatch.of(List.of(new int[] {4, 3}, new int[] {5, 6})), 0);

    assertThat(layout.groups).containsExactly(2, 2);
    assertThat(layout.mask).isEmpty();
    assertThat(layout.rows).isEmpty();
  }

  /** The same positions as create_position_ids_from_input_ids in Transformers. */
  @Test
  void paddingTokenInAText_keepsItsOwnPosition_andIsNotCounted() {
    BatchLayout layout =
        BatchLayout.unpadded(TokenBatch.of(List.of(new int[] {0, 1, 7, 1, 1, 8, 2})), 2);

    assertThat(layout.positions).containsExactly(2, 1, 3, 1, 1, 4, 5);
  }

  @Test
  void packed_keepsTheOrder_andTellsWhereTextsBegin() {
    BatchLayout layout = BatchLayout.packed(MIXED, 2);

    assertThat(layout.ids)
        .containsExactly(Arrays.stream(MIXED.tokenIds()).asLongStream().toArray());
    assertThat(layout.starts).hasSize(MIXED.size() + 1).startsWith(0).endsWith(MIXED.tokens());
    assertThat(layout.groups).isEmpty();
    assertThat(layout.mask).isEmpty();
    assertThat(layout.order).isEmpty();
    assertThat(layout.rows).isEmpty();
  }
}
