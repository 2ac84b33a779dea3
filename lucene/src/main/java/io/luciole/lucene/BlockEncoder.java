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
  /** How many documents within their blocks are written at once. */
  private static final int PACKED = 11;

  private byte[] bytes = new byte[4 * (BLOCKS + SUPER) + SUPER + PADDING];
  private int length;

  /** The documents of a sparse chunk within their blocks, as they are written. */
  private final int[] inBlock = new int[MAX_SPARSE + 1];

  /** Of each block of the chunk that has postings: where they end, and where the largest is. */
  private final int[] ends = new int[BLOCKS + 1];

  private final int[] largest = new int[BLOCKS + 1];

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
    int n = to - from;
    int first = topCount;
    int blocks = findBlocks(documents, frequencies, from, to);
    int max = max(tops, first, topCount);
    int width = BlockLayout.width(max);
    int others = n - (topCount - first);
    int sparse = 2 + BlockLayout.bytes(n) + BlockLayout.bytes(5L * n) + others * width;
    int dense = 1 + SUPER / 8 + n * width;
    if (n <= MAX_SPARSE && sparse < dense) {
      begin(sparse);
      sparse(documents, frequencies, from, to, width, topCount - first);
    } else {
      begin(dense);
      dense(documents, frequencies, from, to, width);
    }
    if (chunks == superblocks.length) {
      superblocks = ArrayUtil.grow(superblocks, chunks + 1);
      maxima = ArrayUtil.growExact(maxima, superblocks.length);
      lengths = ArrayUtil.growExact(lengths, superblocks.length);
      blocksOf = ArrayUtil.growExact(blocksOf, superblocks.length);
    }
    blocksOf[chunks] = blocks;
    superblocks[chunks] = documents[from] >>> SUPER_BITS;
    maxima[chunks] = max;
    lengths[chunks++] = length;
    return this;
  }

  private static int blockOf(int document) {
    return (document >>> BLOCK_BITS) & (BLOCKS - 1);
  }

  /** Sets where blocks end and their largest frequencies, and returns the blocks. */
  private int findBlocks(int[] documents, int[] frequencies, int from, int to) {
    tops = ArrayUtil.grow(tops, topCount + BLOCKS);
    // Blocks are too short for a loop each, of whose length a processor knows nothing.
    int blocks = 0;
    int count = -1;
    int last = -1;
    int top = 0;
    int at = 0;
    for (int i = from; i < to; i++) {
      int block = blockOf(documents[i]);
      boolean starts = block != last;
      boolean larger = starts || frequencies[i] > top;
      count += starts ? 1 : 0;
      top = larger ? frequencies[i] : top;
      at = larger ? i : at;
      blocks |= 1 << block;
      ends[count] = i + 1;
      largest[count] = at;
      tops[topCount + count] = top;
      last = block;
    }
    topCount += count + 1;
    return blocks;
  }

  private void sparse(int[] documents, int[] frequencies, int from, int to, int width, int blocks) {
    int n = to - from;
    bytes[0] = (byte) width;
    bytes[1] = (byte) (n - 1);
    int documentsAt = 2 + BlockLayout.bytes(n);
    int frequenciesAt = documentsAt + BlockLayout.bytes(5L * n);
    for (int b = 0; b < blocks; b++) {
      int start = b == 0 ? 0 : ends[b - 1] - from;
      bytes[2 + (start >>> 3)] |= (byte) (1 << (start & 7));
      inBlock[b] = documents[largest[b]] & (BLOCK - 1);
    }
    int b = 0;
    int other = 0;
    for (int i = from; i < to; i++) {
      // The largest of a block is written, too, and then overwritten or behind the end.
      inBlock[blocks + other] = documents[i] & (BLOCK - 1);
      BlockLayout.writeNumber(bytes, frequenciesAt + other * width, width, frequencies[i]);
      other += i == largest[b] ? 0 : 1;
      b += i + 1 == ends[b] ? 1 : 0;
    }
    for (int at = 0; at < n; at += PACKED) {
      long bits = 0;
      for (int d = Math.min(n, at + PACKED) - 1; d >= at; d--) {
        bits = (bits << BLOCK_BITS) | inBlock[d];
      }
      BlockLayout.writeBits(bytes, documentsAt, (long) BLOCK_BITS * at, bits);
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
