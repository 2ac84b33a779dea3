package io.luciole.djl;

import ai.djl.ndarray.types.Shape;
import io.luciole.spi.TokenBatch;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The arrangement of a batch in the N rows that {@code encoder.pt} computes. Texts of equal length
 * form a group: attention runs once for each group, and everything else once for all rows.
 *
 * <pre>
 * unpadded:  one group for each length          N = T
 * padded:    one group of the longest length    N = B * S
 * packed:    no groups, texts end to end        N = T
 * </pre>
 *
 * <p>The unpadded layout calls the attention kernel once for each distinct length. That is cheap on
 * a CPU and expensive on a GPU, where the packed layout has a kernel that takes texts of any
 * lengths at once.
 */
final class BatchLayout {
  /** PyTorch would copy a mask of any other width for every layer and head. */
  private static final int MASK_ALIGNMENT = 8;

  final long[] ids;
  final long[] positions;

  /** Two numbers for each group: its texts, and their length; empty if the batch is packed. */
  final long[] groups;

  /** 1 for each row that is a token, 0 for padding; empty if no row is padding. */
  final byte[] mask;

  /** For each text of the batch its place in this layout; empty if the order is the same. */
  final long[] order;

  /** For each token of the batch its row in this layout; empty if the order is the same. */
  final long[] rows;

  /** The row where each text of a packed batch begins, and N; empty if the batch is not packed. */
  final int[] starts;

  private BatchLayout(
      TokenBatch batch, int[] texts, int[] lengths, int firstPosition, boolean packed) {
    int size = Arrays.stream(lengths).reduce(0, Math::addExact);
    boolean padded = size > batch.tokens();
    boolean sorted = true;
    this.ids = new long[size];
    this.positions = new long[size];
    this.mask = new byte[padded ? size : 0];
    long[] order = new long[batch.size()];
    long[] rows = new long[batch.tokens()];
    long[] groups = new long[2 * batch.size()];
    int used = 0;
    int row = 0;
    for (int slot = 0; slot < texts.length; slot++) {
      int text = texts[slot];
      sorted &= text == slot;
      order[text] = slot;
      if (slot == 0 || lengths[slot] != lengths[slot - 1]) {
        groups[used + 1] = lengths[slot];
        used += 2;
      }
      groups[used - 2]++;
      int from = batch.offset(text);
      int length = batch.length(text);
      int seen = 0;
      for (int t = 0; t < lengths[slot]; t++, row++) {
        // Padding repeats the text's first token; any valid token would do.
        int id = batch.tokenIds()[t < length ? from + t : from];
        ids[row] = id;
        // As in RoBERTa, a padding token that occurs in a text has the position of its own id, and
        // the positions of the tokens after it continue as if it were not there.
        positions[row] = id == firstPosition - 1 ? id : firstPosition + (t < length ? seen++ : 0);
        if (t < length) {
          rows[from + t] = row;
        }
        if (padded) {
          mask[row] = (byte) (t < length ? 1 : 0);
        }
      }
    }
    this.groups = Arrays.copyOf(groups, packed ? 0 : used);
    this.starts = packed ? starts(batch) : new int[0];
    this.order = sorted ? new long[0] : order;
    this.rows = sorted && !padded ? new long[0] : rows;
  }

  private static int[] starts(TokenBatch batch) {
    int[] starts = new int[batch.size() + 1];
    for (int text = 0; text < batch.size(); text++) {
      starts[text] = batch.offset(text);
    }
    starts[batch.size()] = batch.tokens();
    return starts;
  }

  /** The texts end to end, in their order. */
  static BatchLayout packed(TokenBatch batch, int firstPosition) {
    int[] texts = IntStream.range(0, batch.size()).toArray();
    int[] lengths = Arrays.stream(texts).map(batch::length).toArray();
    return new BatchLayout(batch, texts, lengths, firstPosition, true);
  }

  /** One group for each length, without padding. */
  static BatchLayout unpadded(TokenBatch batch, int firstPosition) {
    int[] texts =
        IntStream.range(0, batch.size())
            .boxed()
            .sorted(Comparator.comparingInt(batch::length))
            .mapToInt(Integer::intValue)
            .toArray();
    int[] lengths = Arrays.stream(texts).map(batch::length).toArray();
    return new BatchLayout(batch, texts, lengths, firstPosition, false);
  }

  /** One group of exactly the longest length, for files that compute positions themselves. */
  static BatchLayout rectangular(TokenBatch batch) {
    int[] lengths = new int[batch.size()];
    Arrays.fill(lengths, batch.maxLength());
    return new BatchLayout(batch, IntStream.range(0, batch.size()).toArray(), lengths, 0, false);
  }

  /** The shape of {@link #mask}: texts by length, or 0. */
  Shape maskShape() {
    return mask.length == 0 ? new Shape(0) : new Shape(groups[0], groups[1]);
  }

  /** One group; if lengths differ, its length is a multiple of {@link #MASK_ALIGNMENT}. */
  static BatchLayout padded(TokenBatch batch, int firstPosition) {
    int longest = batch.maxLength();
    boolean equal = batch.tokens() == (long) batch.size() * longest;
    int[] lengths = new int[batch.size()];
    Arrays.fill(
        lengths, equal ? longest : -Math.floorDiv(-longest, MASK_ALIGNMENT) * MASK_ALIGNMENT);
    return new BatchLayout(
        batch, IntStream.range(0, batch.size()).toArray(), lengths, firstPosition, false);
  }
}
