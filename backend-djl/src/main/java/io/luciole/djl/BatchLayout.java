package io.luciole.djl;

import ai.djl.ndarray.types.Shape;
import io.luciole.spi.TokenBatch;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How a batch lies in the program's N rows: its texts by length, in groups of one length each, so
 * that attention runs over whole groups and everything else over all rows at once.
 *
 * <pre>
 * unpadded:  groups of texts that are equally long       N = T
 * padded:    one group, all as long as the longest one    N = B * S
 * </pre>
 *
 * <p>Unpadded costs a call of the attention kernel for each length there is, which a CPU does not
 * notice and a GPU does.
 */
final class BatchLayout {
  /** Masks of other widths would be copied, aligned, for every layer and head. */
  private static final int MASK_ALIGNMENT = 8;

  final long[] ids;
  final long[] positions;

  /** Texts and length of each group. */
  final long[] groups;

  /** For each padded row whether it is a token; empty if none is padded. */
  final byte[] mask;

  /** Texts of the layout in the batch's order; empty if they are in it. */
  final long[] order;

  /** Rows of the batch's tokens, in the batch's order; empty if they are in it. */
  final long[] rows;

  private BatchLayout(TokenBatch batch, int[] texts, int[] lengths, int firstPosition) {
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
        // Padding repeats the text's first token: any that is in the tables would do.
        int id = batch.tokenIds()[t < length ? from + t : from];
        ids[row] = id;
        // RoBERTa's way with the padding token, where a text spells it out: it stands at its own
        // id's row of the position table, and the tokens behind it close the ranks.
        positions[row] = id == firstPosition - 1 ? id : firstPosition + (t < length ? seen++ : 0);
        if (t < length) {
          rows[from + t] = row;
        }
        if (padded) {
          mask[row] = (byte) (t < length ? 1 : 0);
        }
      }
    }
    this.groups = Arrays.copyOf(groups, used);
    this.order = sorted ? new long[0] : order;
    this.rows = sorted && !padded ? new long[0] : rows;
  }

  /** Groups of equal length, without padding. */
  static BatchLayout unpadded(TokenBatch batch, int firstPosition) {
    int[] texts =
        IntStream.range(0, batch.size())
            .boxed()
            .sorted(Comparator.comparingInt(batch::length))
            .mapToInt(Integer::intValue)
            .toArray();
    int[] lengths = Arrays.stream(texts).map(batch::length).toArray();
    return new BatchLayout(batch, texts, lengths, firstPosition);
  }

  /** One group, all as long as the longest text and no longer; positions mean nothing. */
  static BatchLayout rectangular(TokenBatch batch) {
    int[] lengths = new int[batch.size()];
    Arrays.fill(lengths, batch.maxLength());
    return new BatchLayout(batch, IntStream.range(0, batch.size()).toArray(), lengths, 0);
  }

  /** The shape of the mask as the program takes it. */
  Shape maskShape() {
    return mask.length == 0 ? new Shape(0) : new Shape(groups[0], groups[1]);
  }

  /** One group; padding only where lengths differ. */
  static BatchLayout padded(TokenBatch batch, int firstPosition) {
    int longest = batch.maxLength();
    boolean equal = batch.tokens() == (long) batch.size() * longest;
    int[] lengths = new int[batch.size()];
    Arrays.fill(
        lengths, equal ? longest : -Math.floorDiv(-longest, MASK_ALIGNMENT) * MASK_ALIGNMENT);
    return new BatchLayout(
        batch, IntStream.range(0, batch.size()).toArray(), lengths, firstPosition);
  }
}
