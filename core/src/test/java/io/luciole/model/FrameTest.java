package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Special tokens around ids that a caller brings; 5, 6 and 7 are letters. */
class FrameTest {
  @TempDir private Path folder;

  private void framed(List<Integer> before, List<Integer> behind, int[][] given, int... expected)
      throws IOException {
    try (TextTokenizer tokenizer =
        TextTokenizer.open(LettersModel.write(folder, before, behind, 6))) {
      for (int[] ids : given) {
        TokenizedText found = tokenizer.frame(ids);
        assertThat(found.ids()).as(Arrays.toString(ids)).containsExactly(expected);
        assertThat(found.truncated()).as(Arrays.toString(ids)).isFalse();
      }
    }
  }

  private static int[] ids(int... ids) {
    return ids;
  }

  @Test
  void sides_areAddedEachWhereItIsMissing() throws IOException {
    framed(
        List.of(0),
        List.of(1),
        new int[][] {{5, 6}, {0, 5, 6}, {5, 6, 1}, {0, 5, 6, 1}},
        0,
        5,
        6,
        1);
    framed(List.of(0), List.of(1), new int[][] {{}, {0}, {1}, {0, 1}}, 0, 1);
  }

  @Test
  void tokenizerWithSpecialTokensOnOneSide_addsThoseAlone() throws IOException {
    framed(List.of(0), List.of(), new int[][] {{5, 6}, {0, 5, 6}}, 0, 5, 6);
    framed(List.of(), List.of(1), new int[][] {{5, 6}, {5, 6, 1}}, 5, 6, 1);
    framed(List.of(), List.of(), new int[][] {{5, 6}}, 5, 6);
  }

  @Test
  void severalSpecialTokensOfASide_areThereAllOrAddedAll() throws IOException {
    framed(
        List.of(0, 2),
        List.of(3, 1),
        new int[][] {{5}, {0, 2, 5}, {5, 3, 1}, {0, 2, 5, 3, 1}},
        0,
        2,
        5,
        3,
        1);
    framed(List.of(0, 2), List.of(1), new int[][] {{2, 5}, {2, 5, 1}}, 0, 2, 2, 5, 1);
  }

  /** One token cannot be on both sides at once. */
  @Test
  void sameSpecialTokenOnBothSides_isCountedOnce() throws IOException {
    framed(List.of(0), List.of(0), new int[][] {{}, {0}, {0, 0}}, 0, 0);
    framed(List.of(0, 2), List.of(2, 1), new int[][] {{0, 2, 1}}, 0, 2, 1, 2, 1);
  }

  @Test
  void idsBeyondTheLimit_areCutOffBeforeTheSpecialTokens() throws IOException {
    try (TextTokenizer tokenizer =
        TextTokenizer.open(LettersModel.write(folder, List.of(0), List.of(1), 6))) {
      // At the limit already, cut by the caller: one side is still missing.
      for (int[] full : List.of(ids(0, 5, 6, 7, 5, 6), ids(5, 6, 7, 5, 6, 1), ids(5, 6, 7, 5, 6))) {
        TokenizedText cut = tokenizer.frame(full);
        assertThat(cut.ids()).as(Arrays.toString(full)).containsExactly(0, 5, 6, 7, 5, 1);
        assertThat(cut.truncated()).as(Arrays.toString(full)).isTrue();
      }
      for (int[] fits : List.of(ids(0, 5, 6, 7, 5), ids(5, 6, 7, 5, 1), ids(0, 5, 6, 7, 5, 1))) {
        TokenizedText whole = tokenizer.frame(fits);
        assertThat(whole.ids()).as(Arrays.toString(fits)).containsExactly(0, 5, 6, 7, 5, 1);
        assertThat(whole.truncated()).as(Arrays.toString(fits)).isFalse();
      }
    }
  }
}
