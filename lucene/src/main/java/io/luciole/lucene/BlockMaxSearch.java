package io.luciole.lucene;

import static io.luciole.lucene.BlockLayout.BLOCK;
import static io.luciole.lucene.BlockLayout.BLOCKS;
import static io.luciole.lucene.BlockLayout.SUPER;
import static io.luciole.lucene.BlockLayout.SUPER_BITS;

import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.lucene.util.BitSet;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.FixedBitSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds the best documents of one segment by sums of products. Used once, by one thread.
 *
 * <p>Superblocks are visited by descending bound, the sum of the largest products of the terms,
 * until no other can have one of the best documents; in each, the blocks whose own bounds are large
 * enough. A product is a float, a sum is a double that rounds nothing ({@link #isExact}), so bounds
 * and scores do not depend on the order of the terms, and a bound is never below a score. A
 * document that ties with the worst of the best is among them if its number is smaller, so what has
 * an equal bound is visited unless all its documents come later.
 */
final class BlockMaxSearch {
  /** Where more blocks of a superblock are to be scored than this, all of it is. */
  private static final int WHOLE = 12;

  /** By descending largest product. */
  private final BlockCursor[] terms;

  private final BestDocuments best;
  private final SharedScore shared;
  private final @Nullable Bits live;
  private final @Nullable FixedBitSet filter;
  private final @Nullable BitSet parents;
  private final int maxDocuments;

  private final BlockCursor[] open;
  private final double[] bounds = new double[BLOCKS];
  private final double[] sums = new double[SUPER];
  private float least;

  /**
   * Creates a search.
   *
   * @param least the least score that is wanted of this segment
   * @param shared the least score that the other segments' searches leave
   * @param live the documents that count, or null for all
   * @param filter the documents that match, or null for all; of parents if there are some
   * @param parents the documents that follow their passages and are found in place of them, or null
   */
  BlockMaxSearch(
      List<BlockCursor> terms,
      int maxDocuments,
      BestDocuments best,
      float least,
      SharedScore shared,
      @Nullable Bits live,
      @Nullable FixedBitSet filter,
      @Nullable BitSet parents) {
    this.terms = terms.toArray(BlockCursor[]::new);
    Arrays.sort(this.terms, Comparator.comparingDouble(term -> -term.largest));
    this.maxDocuments = maxDocuments;
    this.best = best;
    this.least = least;
    this.shared = shared;
    this.live = live;
    this.filter = filter;
    this.parents = parents;
    this.open = new BlockCursor[this.terms.length];
  }

  /**
   * Whether sums of these products are exact in double precision: a product is a multiple of 2⁻²³
   * of its power of two, and a double has 53 bits.
   *
   * @param least the smallest weight, which is the least product
   * @param sum the largest sum of products
   */
  static boolean isExact(float least, double sum) {
    return least >= Float.MIN_NORMAL && sum < least * (double) (1 << 28);
  }

  /** Runs the search. */
  void run() throws IOException {
    float[] total = totals();
    for (long key : byBound(total)) {
      int superblock = (int) key;
      float bound = total[superblock];
      least = Math.max(least, shared.get());
      if (bound < Math.max(least, best.worstScore())) {
        return;
      }
      if (mayHaveBest(bound, superblock << SUPER_BITS) && accepted(superblock)) {
        visit(superblock);
      }
    }
  }

  /** The bound of each superblock, 0 without postings. */
  private float[] totals() {
    int superblocks = (maxDocuments + SUPER - 1) >>> SUPER_BITS;
    double[] sums = new double[superblocks];
    for (BlockCursor term : terms) {
      float[] maxima = term.maxima;
      for (int s = 0; s < superblocks; s++) {
        sums[s] += maxima[s];
      }
    }
    float[] total = new float[superblocks];
    for (int s = 0; s < superblocks; s++) {
      total[s] = (float) sums[s];
    }
    return total;
  }

  /** Superblocks with postings by descending bound, each below the complement of its bound. */
  private static long[] byBound(float[] total) {
    long[] keys = new long[total.length];
    int n = 0;
    for (int s = 0; s < total.length; s++) {
      if (total[s] > 0) {
        keys[n++] = ((long) (Integer.MAX_VALUE - Float.floatToIntBits(total[s])) << 32) | s;
      }
    }
    long[] sorted = Arrays.copyOf(keys, n);
    Arrays.sort(sorted);
    return sorted;
  }

  /** Whether a document from a number on with at most a score may be among the best. */
  private boolean mayHaveBest(float bound, int first) {
    float worst = best.worstScore();
    return bound >= least
        && (bound > worst || (bound == worst && (parents != null || first < best.worstDocument())));
  }

  private boolean accepted(int superblock) {
    if (filter == null || parents != null) {
      return true;
    }
    long[] words = filter.getBits();
    int from = superblock << (SUPER_BITS - 6);
    int to = Math.min(words.length, from + (SUPER >>> 6));
    long any = 0;
    for (int w = from; w < to; w++) {
      any |= words[w];
    }
    return any != 0;
  }

  private boolean acceptedBlock(int first) {
    return filter == null
        || parents != null
        || (int) (filter.getBits()[first >>> 6] >>> (first & 32)) != 0;
  }

  private void visit(int superblock) throws IOException {
    int n = 0;
    for (BlockCursor term : terms) {
      if (term.maxima[superblock] > 0) {
        term.open(superblock);
        open[n++] = term;
      }
    }
    if (Math.max(least, best.worstScore()) <= 0) {
      scoreAll(superblock, n);
      return;
    }
    double rest = 0;
    for (int t = 0; t < n; t++) {
      rest += open[t].maxima[superblock];
    }
    Arrays.fill(bounds, 0);
    for (int t = 0; t < n; t++) {
      open[t].addMaxima(bounds);
      rest -= open[t].maxima[superblock];
      if (!anyReaches(bounds, rest)) {
        return;
      }
    }
    int first = superblock << SUPER_BITS;
    int wanted = 0;
    for (int b = 0; b < BLOCKS; b++) {
      wanted += mayHaveBest((float) bounds[b], first + b * BLOCK) ? 1 : 0;
    }
    if (wanted > WHOLE) {
      scoreAll(superblock, n);
      return;
    }
    for (int b = 0; wanted > 0 && b < BLOCKS; b++) {
      int at = first + b * BLOCK;
      if (mayHaveBest((float) bounds[b], at)) {
        wanted--;
        if (acceptedBlock(at)) {
          scoreBlock(at, b, n);
        }
      }
    }
  }

  /** Whether one of a block's or superblock's numbers and a rest may reach the best. */
  private boolean anyReaches(double[] values, double rest) {
    double limit = limit() - rest;
    for (int i = 0; i < BLOCK; i++) {
      if (values[i] >= limit) {
        return true;
      }
    }
    return false;
  }

  private void scoreBlock(int first, int block, int n) throws IOException {
    Arrays.fill(sums, 0, BLOCK, 0);
    double rest = bounds[block];
    for (int t = 0; t < n; t++) {
      float largest = open[t].addBlock(block, sums);
      rest -= largest;
      if (largest > 0 && !anyReaches(sums, rest)) {
        return;
      }
    }
    offer(first, BLOCK);
  }

  private void scoreAll(int superblock, int n) throws IOException {
    Arrays.fill(sums, 0);
    for (int t = 0; t < n; t++) {
      open[t].addAll(sums);
    }
    offer(superblock << SUPER_BITS, SUPER);
  }

  private void offer(int first, int count) throws IOException {
    double limit = limit();
    for (int i = 0; i < count; i++) {
      if (sums[i] >= limit && offer(first + i, (float) sums[i])) {
        limit = limit();
      }
    }
  }

  /** A sum that is smaller is not rounded up to the worst score; more than 0. */
  private double limit() {
    return Math.max(Float.MIN_VALUE, Math.nextDown(Math.max(least, best.worstScore())));
  }

  private boolean offer(int document, float score) throws IOException {
    if (live != null && !live.get(document)) {
      return false;
    }
    int found = parents == null ? document : parents.nextSetBit(document);
    if (filter != null && !filter.get(found)) {
      return false;
    }
    if (!best.offer(found, score)) {
      return false;
    }
    shared.raise(best.worstScore());
    return true;
  }
}
