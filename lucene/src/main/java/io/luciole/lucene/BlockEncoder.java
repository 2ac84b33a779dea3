package io.luciole.lucene;

import static io.luciole.lucene.BlockLayout.BLOCK;
import static io.luciole.lucene.BlockLayout.BLOCKS;
import static io.luciole.lucene.BlockLayout.BLOCK_BITS;
import static io.luciole.lucene.BlockLayout.DENSE;
import static io.luciole.lucene.BlockLayout.MAX_SPARSE;
import static io.luciole.lucene.BlockLayout.PADDING;
import static io.luciole.lucene.BlockLayout.SUPER;
import static io.luciole.lucene.BlockLayout.SUPER_BITS;

import java.io.IOException;
import java.util.Arrays;
import org.apache.lucene.util.ArrayUtil;
import org.apache.lucene.util.BitUtil;

/** Encodes the lists, chunks and directories of {@link BlockLayout}, one at a time. */
final class BlockEncoder {
  private byte[] bytes = new byte[4 * (BLOCKS + SUPER) + SUPER + PADDING];
  private int length;

  /** Of each block of the chunk with postings: its largest frequency, and below it which it is. */
  private final long[] largest = new long[BLOCKS];

  /** A bit for each posting of the chunk that is the first of its block. */
  private final long[] starts = new long[SUPER / Long.SIZE];

  /** A bit for each posting of a sparse chunk that is not the largest of its block. */
  private final long[] others = new long[MAX_SPARSE / Long.SIZE];

  /** The documents of a sparse chunk within their blocks, and the frequencies, as written. */
  private final byte[] inBlock = new byte[MAX_SPARSE + 8];

  private final int[] rest = new int[MAX_SPARSE + 1];

  private int chunks;
  private int[] superblocks = new int[16];
  private int[] maxima = new int[16];
  private int[] lengths = new int[16];
  private int[] blocksOf = new int[16];
  private int[] tops = new int[16];
  private int topCount;

  /** Writes what was encoded last. */
  void writeTo(PageChecks.Output out) throws IOException {
    out.write(bytes, length);
  }

  static int max(int[] frequencies, int from, int to) {
    int max = 0;
    for (int i = from; i < to; i++) {
      max = Math.max(max, frequencies[i]);
    }
    return max;
  }

  /** Starts with bytes of 0. */
  private void begin(int size) {
    bytes = ArrayUtil.growNoCopy(bytes, size + PADDING);
    Arrays.fill(bytes, 0, size + PADDING, (byte) 0);
    length = size;
  }

  /**
   * Encodes all postings of a term.
   *
   * @param max the largest frequency
   */
  BlockEncoder list(int[] documents, int[] frequencies, int size, int max) {
    int last = documents[size - 1];
    int low = Math.max(0, 31 - Integer.numberOfLeadingZeros((last + 1) / size));
    int width = BlockLayout.width(max);
    int lowAt = 1;
    int highAt = lowAt + BlockLayout.bytes((long) size * low);
    int frequenciesAt = highAt + BlockLayout.bytes((last >>> low) + (long) size);
    begin(frequenciesAt + size * width);
    bytes[0] = (byte) low;
    for (int i = 0; i < size; i++) {
      int document = documents[i];
      BlockLayout.writeBits(bytes, lowAt, (long) i * low, document & ((1 << low) - 1));
      BlockLayout.writeBits(bytes, highAt, (document >>> low) + (long) i, 1);
      BlockLayout.writeNumber(bytes, frequenciesAt + i * width, width, frequencies[i]);
    }
    return this;
  }

  void startTerm() {
    chunks = 0;
    topCount = 0;
  }

  /** Encodes postings of one superblock, and remembers them for the directory. */
  BlockEncoder chunk(int[] documents, int[] frequencies, int from, int to) {
    if (chunks == superblocks.length) {
      superblocks = ArrayUtil.grow(superblocks, chunks + 1);
      maxima = ArrayUtil.growExact(maxima, superblocks.length);
      lengths = ArrayUtil.growExact(lengths, superblocks.length);
      blocksOf = ArrayUtil.growExact(blocksOf, superblocks.length);
    }
    int n = to - from;
    int first = topCount;
    findBlocks(documents, frequencies, from, to);
    int blocks = topCount - first;
    int max = max(tops, first, topCount);
    int width = BlockLayout.width(max);
    int sparse = 2 + BlockLayout.bytes(n) + BlockLayout.bytes(5L * n) + (n - blocks) * width;
    int dense = 1 + SUPER / 8 + n * width;
    if (n <= MAX_SPARSE && sparse < dense) {
      length = sparse;
      sparse(documents, frequencies, from, to, width, blocks);
    } else {
      begin(dense);
      dense(documents, frequencies, from, to, width);
    }
    superblocks[chunks] = documents[from] >>> SUPER_BITS;
    maxima[chunks] = max;
    lengths[chunks++] = length;
    return this;
  }

  /**
   * Finds the blocks of the chunk, where they start and their largest frequencies. Blocks are too
   * short for a loop each, or a branch, of whose length or way a processor knows nothing.
   */
  private void findBlocks(int[] documents, int[] frequencies, int from, int to) {
    tops = ArrayUtil.grow(tops, topCount + BLOCKS);
    int blocks = 0;
    int rank = -1;
    int last = -1;
    long most = 0;
    for (int at = from; at < to; at += 64) {
      long starting = 0;
      int end = Math.min(to, at + 64);
      for (int i = at; i < end; i++) {
        int block = documents[i] >>> BLOCK_BITS;
        int starts = (last - block) >>> 31;
        // Of equal frequencies, the first is the largest.
        long key = ((long) frequencies[i] << SUPER_BITS) | (SUPER - 1 - (i - from));
        most = Math.max(most & (starts - 1L), key);
        rank += starts;
        largest[rank] = most;
        starting |= (long) starts << (i - at);
        blocks |= 1 << block;
        last = block;
      }
      starts[(at - from) >>> 6] = starting;
    }
    for (int r = 0; r <= rank; r++) {
      tops[topCount++] = (int) (largest[r] >>> SUPER_BITS);
    }
    blocksOf[chunks] = blocks;
  }

  private void sparse(int[] documents, int[] frequencies, int from, int to, int width, int blocks) {
    int n = to - from;
    int words = (n + 63) >>> 6;
    int documentsAt = 2 + BlockLayout.bytes(n);
    int frequenciesAt = documentsAt + BlockLayout.bytes(5L * n);
    bytes[0] = (byte) width;
    bytes[1] = (byte) (n - 1);
    for (int w = 0; w < words; w++) {
      BitUtil.VH_LE_LONG.set(bytes, 2 + w * Long.BYTES, starts[w]);
      others[w] = -1;
    }
    for (int b = 0; b < blocks; b++) {
      int at = SUPER - 1 - ((int) largest[b] & (SUPER - 1));
      inBlock[b] = (byte) (documents[from + at] & (BLOCK - 1));
      others[at >>> 6] ^= 1L << at;
    }
    int other = 0;
    for (int i = 0; i < n; i++) {
      // The largest of a block is written, too, and then overwritten or behind the end.
      inBlock[blocks + other] = (byte) (documents[from + i] & (BLOCK - 1));
      rest[other] = frequencies[from + i];
      other += (int) (others[i >>> 6] >>> i) & 1;
    }
    Arrays.fill(inBlock, n, n + 8, (byte) 0);
    for (int i = 0; i < n; i += 8) {
      BlockLayout.pack(inBlock, i, bytes, documentsAt);
    }
    for (int i = 0; i < other; i++) {
      BlockLayout.writeNumber(bytes, frequenciesAt + i * width, width, rest[i]);
    }
  }

  private void dense(int[] documents, int[] frequencies, int from, int to, int width) {
    bytes[0] = (byte) (DENSE | width);
    for (int i = from; i < to; i++) {
      BlockLayout.writeBits(bytes, 1, documents[i] & (SUPER - 1), 1);
      BlockLayout.writeNumber(bytes, 1 + SUPER / 8 + (i - from) * width, width, frequencies[i]);
    }
  }

  /** Encodes the directory of the chunks since {@link #startTerm}, and tells the term about it. */
  BlockEncoder finishTerm(BlockTerm term) {
    int largestStep = 0;
    int before = -1;
    for (int c = 0; c < chunks; c++) {
      largestStep = Math.max(largestStep, superblocks[c] - before - 1);
      before = superblocks[c];
    }
    term.chunks = chunks;
    term.max = max(maxima, 0, chunks);
    term.stepWidth = BlockLayout.width(largestStep);
    term.maxWidth = BlockLayout.width(term.max);
    term.lengthWidth = BlockLayout.width(max(lengths, 0, chunks));
    term.tops = topCount;
    int maximaAt = chunks * term.stepWidth;
    int lengthsAt = maximaAt + chunks * term.maxWidth;
    int blocksAt = lengthsAt + chunks * term.lengthWidth;
    int topsAt = blocksAt + chunks * Integer.BYTES;
    begin(Math.toIntExact(term.directoryLength()));
    before = -1;
    for (int c = 0; c < chunks; c++) {
      BlockLayout.writeNumber(
          bytes, c * term.stepWidth, term.stepWidth, superblocks[c] - before - 1);
      BlockLayout.writeNumber(bytes, maximaAt + c * term.maxWidth, term.maxWidth, maxima[c]);
      BlockLayout.writeNumber(
          bytes, lengthsAt + c * term.lengthWidth, term.lengthWidth, lengths[c]);
      BitUtil.VH_LE_INT.set(bytes, blocksAt + c * Integer.BYTES, blocksOf[c]);
      before = superblocks[c];
    }
    for (int i = 0; i < topCount; i++) {
      BlockLayout.writeNumber(bytes, topsAt + i * term.maxWidth, term.maxWidth, tops[i]);
    }
    return this;
  }
}
