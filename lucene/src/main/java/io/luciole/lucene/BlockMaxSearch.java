package io.luciole.lucene;

import static io.luciole.lucene.BlockLayout.BLOCK;
import static io.luciole.lucene.BlockLayout.BLOCKS;
import static io.luciole.lucene.BlockLayout.BLOCK_BITS;
import static io.luciole.lucene.BlockLayout.SUPER;
import static io.luciole.lucene.BlockLayout.SUPER_BITS;

import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.lucene.util.BitSet;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.VectorUtil;
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
  private static final int WHOLE = 6;

  /** After bounds of blocks left so many superblocks whole, as many are scored without them. */
  private static final int IN_VAIN = 8;

  /** Where a filter leaves no more documents of a superblock than this, they are looked up. */
  private static final int FEW = 40;

  /** The same where bounds of blocks tell little. */
  private static final int FEW_IF_EVEN = 12;

  /** So many candidates are compared one by one. */
  private static final int SHORT = 40;

  /** Of superblocks with bounds alike, one of so many is visited by bound. */
  private static final int FIRST = 16;

  /**
   * Where a filter leaves no more documents of a superblock on average, to read a superblock's
   * postings takes longer than to use them.
   */
  private static final int SPARSE = 40;

  /** Postings of more bytes than this are worth a look at which documents still need them. */
  private static final int MANY_BYTES = 600;

  private static final int[] ALL = new int[SUPER];

  static {
    Arrays.setAll(ALL, i -> i);
  }

  /** By descending largest product. */
  private final BlockCursor[] terms;

  private final BestDocuments best;
  private final SharedScore shared;
  private final @Nullable Bits live;
  private final @Nullable BlockFilter filter;
  private final @Nullable BitSet parents;
  private final int maxDocuments;

  private final BlockCursor[] open;

  /** By block of the superblock that is visited; infinite where no bound is needed. */
  private final double[] bounds = new double[BLOCKS];

  /** By document of the superblock or block that is scored, or of {@link #candidates}. */
  private final double[] sums = new double[SUPER];

  /** Documents of the superblock that may be among the best, ascending. */
  private final int[] candidates = new int[SUPER];

  private float least;

  /** As {@link #FEW}. */
  private int few = FEW;

  /** Superblocks in a row of which bounds of blocks left too many. */
  private int inVain;

  /** Superblocks to be scored without bounds of blocks. */
  private int unbounded;

  /**
   * Creates a search.
   *
   * @param least the least score that is wanted of this segment
   * @param shared the least score that the other segments' searches leave
   * @param live the documents that count, or null for all
   * @param filter the documents that may be found, or null for all
   * @param parents the documents that follow their passages and are found in place of them, or null
   */
  BlockMaxSearch(
      List<BlockCursor> terms,
      int maxDocuments,
      BestDocuments best,
      float least,
      SharedScore shared,
      @Nullable Bits live,
      @Nullable BlockFilter filter,
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
    long[] keys = byBound(total);
    int first = keys.length;
    if (filter != null && isEven(keys, total)) {
      few = FEW_IF_EVEN;
      if (filter.count() <= (long) SPARSE * keys.length) {
        first /= FIRST;
      }
    }
    visit(keys, 0, first, total);
    // With no superblock better than others, memory is read faster in the order of the numbers.
    for (int i = first; i < keys.length; i++) {
      keys[i] = (int) keys[i];
    }
    Arrays.sort(keys, first, keys.length);
    visit(keys, first, keys.length, total);
  }

  private void visit(long[] keys, int from, int to, float[] total) throws IOException {
    for (int i = from; i < to; i++) {
      int superblock = (int) keys[i];
      least = Math.max(least, shared.get());
      if (mayHaveBest(total[superblock], superblock << SUPER_BITS)) {
        visit(superblock);
      }
    }
  }

  /** Whether most superblocks have bounds alike, as of documents in random order. */
  private static boolean isEven(long[] byBound, float[] total) {
    int n = byBound.length;
    return n > 0 && total[(int) byBound[n - 1 - n / 16]] * 8 > total[(int) byBound[0]];
  }

  /** The bound of each superblock, 0 without a document that may be found. */
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
      total[s] = filter == null || filter.blocks(s) != 0 ? (float) sums[s] : 0;
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

  private void visit(int superblock) throws IOException {
    int n = 0;
    for (BlockCursor term : terms) {
      if (term.maxima[superblock] > 0) {
        term.open(superblock);
        open[n++] = term;
      }
    }
    int accepted = filter == null ? -1 : filter.blocks(superblock);
    if (unbounded > 0) {
      unbounded--;
      Arrays.fill(bounds, Double.POSITIVE_INFINITY);
      scoreAll(superblock, n, accepted);
      return;
    }
    int wanted = bound(superblock, n, accepted);
    if (Integer.bitCount(wanted) > WHOLE) {
      if (++inVain == IN_VAIN) {
        inVain = 0;
        unbounded = IN_VAIN;
      }
      scoreAll(superblock, n, wanted);
      return;
    }
    inVain = 0;
    for (; wanted != 0; wanted &= wanted - 1) {
      int block = Integer.numberOfTrailingZeros(wanted);
      int first = (superblock << SUPER_BITS) + block * BLOCK;
      if (mayHaveBest((float) bounds[block], first)) {
        scoreBlock(first, block, n);
      }
    }
  }

  /** Bounds the accepted blocks, and returns those that may have one of the best documents. */
  private int bound(int superblock, int n, int accepted) {
    if (Math.max(least, best.worstScore()) <= 0) {
      Arrays.fill(bounds, Double.POSITIVE_INFINITY);
      return accepted;
    }
    double rest = 0;
    for (int t = 0; t < n; t++) {
      rest += open[t].maxima[superblock];
    }
    start(bounds, 0, accepted);
    for (int t = 0; t < n; t++) {
      open[t].addMaxima(accepted, bounds);
      rest -= open[t].maxima[superblock];
      if (!anyReaches(bounds, rest)) {
        return 0;
      }
    }
    int wanted = 0;
    int first = superblock << SUPER_BITS;
    for (int b = 0; b < BLOCKS; b++) {
      wanted |= (mayHaveBest((float) bounds[b], first + b * BLOCK) ? 1 : 0) << b;
    }
    return wanted;
  }

  /** Starts 32 sums: at 0 what is accepted, at a value that stays below all others the rest. */
  private static void start(double[] sums, int from, int accepted) {
    if (accepted == -1) {
      Arrays.fill(sums, from, from + BLOCK, 0);
      return;
    }
    Arrays.fill(sums, from, from + BLOCK, Double.NEGATIVE_INFINITY);
    for (int left = accepted; left != 0; left &= left - 1) {
      sums[from + Integer.numberOfTrailingZeros(left)] = 0;
    }
  }

  /** Whether one of 32 sums and a rest may reach the best. */
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
    int accepted = filter == null ? -1 : filter.documents(first);
    start(sums, 0, accepted);
    double rest = bounds[block];
    for (int t = 0; t < n; t++) {
      float largest = open[t].addBlock(block, accepted, sums, 0);
      rest -= largest;
      if (largest > 0 && !anyReaches(sums, rest)) {
        return;
      }
    }
    offer(first, BLOCK);
  }

  /** Scores the accepted documents in some blocks of a superblock at once, by term. */
  private void scoreAll(int superblock, int n, int wanted) throws IOException {
    int count = SUPER;
    if (filter != null) {
      count = boundAccepted(filter.documents(superblock, wanted, candidates), n);
      if (count <= few) {
        scoreCandidates(superblock, 0, n, count);
        return;
      }
    }
    double rest = 0;
    int bytes = 0;
    for (int t = 0; t < n; t++) {
      rest += open[t].maxima[superblock];
      bytes += open[t].bytes();
    }
    Arrays.fill(sums, 0);
    int t = 0;
    for (; t < n && (rest >= limit() || bytes <= MANY_BYTES); t++) {
      open[t].addAll(sums);
      rest -= open[t].maxima[superblock];
      bytes -= open[t].bytes();
    }
    if (filter == null) {
      System.arraycopy(ALL, 0, candidates, 0, SUPER);
    } else {
      for (int i = 0; i < count; i++) {
        sums[i] = sums[candidates[i]];
      }
    }
    count = keepReaching(limit() - rest, count);
    if (t < n) {
      boundAll(t, n);
      boundCandidates(count, true);
    }
    scoreCandidates(superblock, t, n, count);
  }

  /**
   * Leaves the candidates whose blocks' bounds suffice, if they are not too many to look.
   *
   * @return how many there are; up to {@link #few} have the bounds as their sums
   */
  private int boundAccepted(int count, int n) {
    boolean bounded = bounds[0] < Double.POSITIVE_INFINITY;
    if (count <= few && !bounded) {
      boundAll(0, n);
    }
    if (count <= few || (count <= SHORT && bounded)) {
      boundCandidates(count, false);
      return keepReaching(limit(), count);
    }
    return count;
  }

  /** Bounds what the open terms from one on have in each block. */
  private void boundAll(int from, int n) {
    Arrays.fill(bounds, 0);
    for (int t = from; t < n; t++) {
      open[t].addMaxima(-1, bounds);
    }
  }

  /** Sets or adds to the sum of each candidate the bound of its block. */
  private void boundCandidates(int count, boolean add) {
    for (int i = 0; i < count; i++) {
      double bound = bounds[candidates[i] >>> BLOCK_BITS];
      sums[i] = add ? sums[i] + bound : bound;
    }
  }

  /**
   * Scores documents one by one: their sums begin as bounds, in which one term after the other has
   * its largest product of the block replaced by that of the document.
   *
   * @param from the first open term that is to be replaced
   * @param found how many candidates there are
   */
  private void scoreCandidates(int superblock, int from, int n, int found) throws IOException {
    int count = keepReaching(limit(), found);
    for (int t = from; t < n && count > 0; t++) {
      int blocks = 0;
      for (int i = 0; i < count; i++) {
        blocks |= 1 << (candidates[i] >>> BLOCK_BITS);
      }
      open[t].replace(candidates, count, blocks, sums);
      count = keepReaching(limit(), count);
    }
    for (int i = 0; i < count; i++) {
      if (sums[i] >= limit()) {
        offer((superblock << SUPER_BITS) + candidates[i], (float) sums[i]);
      }
    }
  }

  /** Leaves the candidates whose sums reach a limit, and returns how many they are. */
  private int keepReaching(double limit, int count) {
    if (count > SHORT) {
      return VectorUtil.filterByScore(candidates, sums, limit, count);
    }
    int kept = 0;
    for (int i = 0; i < count; i++) {
      double sum = sums[i];
      candidates[kept] = candidates[i];
      sums[kept] = sum;
      kept += sum >= limit ? 1 : 0;
    }
    return kept;
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
    if (!best.offer(found, score)) {
      return false;
    }
    shared.raise(best.worstScore());
    return true;
  }
}
