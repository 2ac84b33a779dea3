package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CudaTilesTest {
  private static TokenBatch batch(int... lengths) {
    List<int[]> texts = new ArrayList<>();
    for (int length : lengths) {
      texts.add(new int[length]);
    }
    return TokenBatch.of(texts);
  }

  @Test
  void tiles_groupShortTextsAndCutLongOnes() {
    assertThat(CudaTiles.of(batch(30, 20, 100), 64))
        .containsExactly(
            50, 64, 50, 100, // the long text's first part: most to see, so it starts first
            114, 36, 50, 100, //
            0, 50, 0, 50);
  }

  @Test
  void tiles_coverEveryTokenOnceAndShowItItsWholeText() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int[] lengths = random.ints(1 + random.nextInt(40), 1, 400).toArray();
      if (random.nextBoolean()) {
        Arrays.setAll(lengths, i -> 1 + lengths[i] % 40);
      }
      TokenBatch batch = batch(lengths);
      for (int queries : new int[] {CudaTiles.SMALL, CudaTiles.LARGE}) {
        int[] tiles = CudaTiles.of(batch, queries);
        int[] covered = new int[batch.tokens()];
        for (int t = 0; t < tiles.length; t += CudaTiles.WIDTH) {
          int first = tiles[t];
          int rows = tiles[t + 1];
          int firstSeen = tiles[t + 2];
          int seen = tiles[t + 3];
          assertThat(rows).as("seed %d", seed).isBetween(1, queries);
          for (int token = first; token < first + rows; token++) {
            covered[token]++;
            int text = textOf(batch, token);
            assertThat(firstSeen).as("seed %d", seed).isLessThanOrEqualTo(batch.offset(text));
            assertThat(firstSeen + seen)
                .as("seed %d", seed)
                .isGreaterThanOrEqualTo(batch.offset(text + 1));
          }
          if (seen > queries) {
            int text = textOf(batch, first);
            assertThat(firstSeen).isEqualTo(batch.offset(text));
            assertThat(seen)
                .as("a long text is alone, seed %d", seed)
                .isEqualTo(batch.length(text));
          }
        }
        assertThat(covered).as("seed %d", seed).containsOnly(1);
      }
    }
  }

  @Test
  void queries_ofSmallBatchesAreThoseOfTheirGraphs() {
    assertThat(CudaTiles.queries(batch(1024))).isEqualTo(CudaTiles.SMALL);
    assertThat(CudaTiles.queries(batch(1025))).isEqualTo(CudaTiles.LARGE);
    assertThat(CudaTiles.queries(batch(new Random(1).ints(400, 20, 40).toArray())))
        .isEqualTo(CudaTiles.SMALL);
  }

  private static int textOf(TokenBatch batch, int token) {
    int text = 0;
    while (batch.offset(text + 1) <= token) {
      text++;
    }
    return text;
  }
}
