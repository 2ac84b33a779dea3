package io.luciole.lucene;

import static io.luciole.lucene.BlockLayout.BLOCK;
import static io.luciole.lucene.BlockLayout.BLOCKS;
import static io.luciole.lucene.BlockLayout.BLOCK_BITS;
import static io.luciole.lucene.BlockLayout.SUPER;
import static io.luciole.lucene.BlockLayout.SUPER_BITS;

import java.io.IOException;
import java.util.Arrays;

/**
 * The postings of a query's term in one segment, by superblock and block, as products of the term's
 * weight and the frequencies. Superblocks may be opened in any order. For use by one thread.
 */
abstract class BlockCursor {
  /** What a frequency is multiplied by. */
  final float weight;

  /** The largest product. */
  final float largest;

  /** The largest product in each superblock, 0 where it has no posting. */
  final float[] maxima;

  private BlockCursor(Term of) {
    this.weight = of.weight;
    this.largest = weight * of.term.max;
    this.maxima = new float[of.source.superblocks()];
  }

  /** Reads what is needed to bound any superblock. */
  static BlockCursor of(Term term) throws IOException {
    return term.term.chunks > 0 ? new Chunks(term) : new List(term);
  }

  /**
   * A term of the query.
   *
   * @param source has its postings
   * @param weight what a frequency is multiplied by
   */
  record Term(BlockSource source, BlockTerm term, float weight) {}

  /** Goes to a superblock that has a posting. */
  abstract void open(int superblock) throws IOException;

  /** Bytes of the postings in the open superblock, a measure of what {@link #addAll} costs. */
  abstract int bytes();

  /**
   * Adds the largest product in each block of the open superblock.
   *
   * @param wanted a bit for each block whose sum is wanted; others may be left as they are
   */
  abstract void addMaxima(int wanted, double[] sums);

  /**
   * Adds the products in a block of the open superblock, by document of the block.
   *
   * @param wanted a bit for each document whose sum is wanted; others may be left as they are
   * @param base where the sum of the block's first document is
   * @return the largest product of all documents, 0 if there are none
   */
  abstract float addBlock(int block, int wanted, double[] sums, int base) throws IOException;

  /** Adds the products in the open superblock, by document of the superblock. */
  abstract void addAll(double[] sums) throws IOException;

  /**
   * Replaces the largest product in the block of some documents by the product of each.
   *
   * @param documents ascending numbers within the open superblock
   * @param wanted a bit for each block that has one of them
   * @param sums of each of these
   */
  abstract void replace(int[] documents, int count, int wanted, double[] sums) throws IOException;

  private static final class Chunks extends BlockCursor {
    /** Up to so many blocks are looked up one by one. */
    private static final int FEW_BLOCKS = 14;

    private final BlockChunk chunk;
    private final int topWidth;
    private final byte[] tops;

    /** Of each superblock: where its chunk is, its blocks with postings, where their tops are. */
    private final long[] starts;

    private final int[] lengths;
    private final int[] blocks;
    private final int[] topsAt;

    private int superblock;
    private boolean read;

    Chunks(Term of) throws IOException {
      super(of);
      this.chunk = new BlockChunk(of.source);
      this.starts = new long[maxima.length];
      this.lengths = new int[maxima.length];
      this.blocks = new int[maxima.length];
      this.topsAt = new int[maxima.length];
      BlockDirectory directory = of.source.directory(of.term);
      this.tops = directory.bytes();
      this.topWidth = directory.topWidth();
      while (directory.next()) {
        int s = directory.superblock();
        if (s >= maxima.length) {
          throw of.source.corrupt("expected " + maxima.length + " superblocks");
        }
        maxima[s] = weight * directory.max();
        starts[s] = directory.start();
        lengths[s] = directory.length();
        blocks[s] = directory.blocks();
        topsAt[s] = directory.topsAt();
      }
    }

    @Override
    void open(int of) {
      superblock = of;
      read = false;
    }

    @Override
    int bytes() {
      return lengths[superblock];
    }

    private void read() throws IOException {
      if (!read) {
        read = true;
        chunk.open(
            starts[superblock],
            lengths[superblock],
            blocks[superblock],
            tops,
            topsAt[superblock],
            topWidth);
      }
    }

    private float product(int rank) {
      int at = topsAt[superblock];
      return weight
          * (topWidth == 1
              ? tops[at + rank] & 0xFF
              : BlockLayout.readNumber(tops, at + rank * topWidth, topWidth));
    }

    @Override
    void addMaxima(int wanted, double[] sums) {
      int present = blocks[superblock];
      if (Integer.bitCount(wanted) <= FEW_BLOCKS) {
        for (int left = present & wanted; left != 0; left &= left - 1) {
          int block = Integer.numberOfTrailingZeros(left);
          sums[block] += product(rank(present, block));
        }
      } else if (present == -1 && topWidth == 1) {
        int at = topsAt[superblock];
        for (int b = 0; b < BLOCKS; b++) {
          sums[b] += weight * (tops[at + b] & 0xFF);
        }
      } else {
        int rank = 0;
        for (int left = present; left != 0; left &= left - 1) {
          sums[Integer.numberOfTrailingZeros(left)] += product(rank++);
        }
      }
    }

    private static int rank(int present, int block) {
      return Integer.bitCount(present & ((1 << block) - 1));
    }

    @Override
    float addBlock(int block, int wanted, double[] sums, int base) throws IOException {
      int present = blocks[superblock];
      if (((present >>> block) & 1) == 0) {
        return 0;
      }
      read();
      chunk.addBlock(block, wanted, weight, sums, base);
      return product(rank(present, block));
    }

    @Override
    void addAll(double[] sums) throws IOException {
      read();
      chunk.addAll(weight, sums);
    }

    @Override
    void replace(int[] documents, int count, int wanted, double[] sums) throws IOException {
      if ((wanted & blocks[superblock]) != 0) {
        read();
        chunk.replace(documents, count, weight, sums);
      }
    }
  }

  private static final class List extends BlockCursor {
    private final int[] documents;
    private final int[] frequencies;

    /** The first entry of each superblock, and the end. */
    private final int[] entries;

    /** Of each entry, which is a block with postings: its number. */
    private final int[] blocks;

    /** Of each entry: its first posting; and the end. */
    private final int[] firsts;

    /** Of each entry: its largest product. */
    private final float[] tops;

    private int from;
    private int to;

    List(Term of) throws IOException {
      super(of);
      BlockTerm term = of.term;
      int size = term.docFreq;
      this.documents = new int[size];
      this.frequencies = new int[size];
      if (size == 1) {
        documents[0] = term.document;
        frequencies[0] = term.max;
      } else {
        of.source.list(term, documents, frequencies);
      }
      this.entries = new int[maxima.length + 1];
      this.blocks = new int[size];
      this.firsts = new int[size + 1];
      this.tops = new float[size];
      int n = 0;
      int superblock = 0;
      int block = -1;
      for (int i = 0; i < size; i++) {
        float product = weight * frequencies[i];
        if (documents[i] >>> BLOCK_BITS != block) {
          block = documents[i] >>> BLOCK_BITS;
          for (int next = documents[i] >>> SUPER_BITS; superblock < next; ) {
            entries[++superblock] = n;
          }
          blocks[n] = block;
          firsts[n] = i;
          tops[n++] = product;
        } else {
          tops[n - 1] = Math.max(tops[n - 1], product);
        }
        maxima[superblock] = Math.max(maxima[superblock], product);
      }
      firsts[n] = size;
      while (superblock < maxima.length) {
        entries[++superblock] = n;
      }
    }

    @Override
    void open(int superblock) {
      from = entries[superblock];
      to = entries[superblock + 1];
    }

    @Override
    int bytes() {
      return 2 * (firsts[to] - firsts[from]);
    }

    @Override
    void addMaxima(int wanted, double[] sums) {
      for (int e = from; e < to; e++) {
        sums[blocks[e] & (BLOCKS - 1)] += tops[e];
      }
    }

    @Override
    float addBlock(int block, int wanted, double[] sums, int base) {
      for (int e = from; e < to; e++) {
        if ((blocks[e] & (BLOCKS - 1)) == block) {
          for (int i = firsts[e]; i < firsts[e + 1]; i++) {
            sums[base + (documents[i] & (BLOCK - 1))] += weight * frequencies[i];
          }
          return tops[e];
        }
      }
      return 0;
    }

    @Override
    void addAll(double[] sums) {
      for (int i = firsts[from]; i < firsts[to]; i++) {
        sums[documents[i] & (SUPER - 1)] += weight * frequencies[i];
      }
    }

    @Override
    void replace(int[] candidates, int count, int wanted, double[] sums) {
      for (int e = from; e < to; e++) {
        int block = blocks[e] & (BLOCKS - 1);
        if (((wanted >>> block) & 1) == 0) {
          continue;
        }
        for (int c = 0; c < count; c++) {
          sums[c] -= candidates[c] >>> BLOCK_BITS == block ? tops[e] : 0;
        }
        for (int i = firsts[e]; i < firsts[e + 1]; i++) {
          int at = Arrays.binarySearch(candidates, 0, count, documents[i] & (SUPER - 1));
          if (at >= 0) {
            sums[at] += weight * frequencies[i];
          }
        }
      }
    }
  }
}
