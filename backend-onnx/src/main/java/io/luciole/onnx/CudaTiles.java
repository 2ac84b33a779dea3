package io.luciole.onnx;

import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Cuts a batch into the tiles that {@link CudaEncoder} computes attention by: up to so many
 * consecutive tokens, and the tokens that they may see. A tile is a part of one long text, or
 * several whole short ones one after another, among which each token sees its own text only.
 *
 * <pre>
 * texts of      30   20   100 tokens, tiles of up to 64
 * tiles         [0, 50, 0, 50]                first token, tokens, first token seen, tokens seen
 *               [50, 64, 50, 100]
 *               [114, 36, 50, 100]
 * </pre>
 */
final class CudaTiles {
  /** Numbers of a tile. */
  static final int WIDTH = 4;

  /** Tokens of a tile where texts are short, and in the graphs of small batches. */
  static final int SMALL = 64;

  /** Tokens of a tile where texts are long: keys are read half as often. */
  static final int LARGE = 128;

  /** Batches of no more tokens are run as CUDA graphs, which have small tiles. */
  private static final int GRAPHS = 1024;

  private CudaTiles() {}

  /** How many tokens the tiles of a batch may have. */
  static int queries(TokenBatch batch) {
    if (batch.tokens() <= GRAPHS) {
      return SMALL;
    }
    double pairs = 0;
    for (int i = 0; i < batch.size(); i++) {
      pairs += (double) batch.length(i) * batch.length(i);
    }
    return pairs / batch.tokens() >= 2 * LARGE ? LARGE : SMALL;
  }

  /** The tiles, those that see most first, so that none of them is left over at the end. */
  static int[] of(TokenBatch batch, int queries) {
    List<int[]> tiles = new ArrayList<>();
    for (int i = 0; i < batch.size(); ) {
      int first = batch.offset(i);
      int length = batch.length(i++);
      if (length > queries) {
        for (int row = 0; row < length; row += queries) {
          tiles.add(new int[] {first + row, Math.min(queries, length - row), first, length});
        }
      } else {
        while (i < batch.size() && length + batch.length(i) <= queries) {
          length += batch.length(i++);
        }
        tiles.add(new int[] {first, length, first, length});
      }
    }
    tiles.sort(Comparator.comparingInt((int[] tile) -> -tile[3]));
    int[] all = new int[tiles.size() * WIDTH];
    for (int i = 0; i < tiles.size(); i++) {
      System.arraycopy(tiles.get(i), 0, all, i * WIDTH, WIDTH);
    }
    return all;
  }
}
