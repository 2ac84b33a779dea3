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

  private int chunks;
  private int[] superblocks = new int[16];
  private int[] maxima = new int[16];
  private int[] lengths = new int[16];

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
      BlockLayout.writeBits(bytes, lowAt, (long) i * low, document & (1 << low) - 1);
      BlockLayout.writeBits(bytes, highAt, (document >>> low) + (long) i, 1);
      BlockLayout.writeNumber(bytes, frequenciesAt + i * width, width, frequencies[i]);
    }
    return this;
  }

  void startTerm() {
    chunks = 0;
  }

  /** Encodes postings of one superblock, and remembers them for the directory. */
  BlockEncoder chunk(int[] documents, int[] frequencies, int from, int to) {
    int n = to - from;
    int max = max(frequencies, from, to);
    int width = BlockLayout.width(max);
    int sparse = 6 + BlockLayout.bytes(n) + BlockLayout.bytes(5L * n) + n * width;
    int dense = 1 + BLOCKS * width + SUPER / 8 + n * width;
    if (n <= MAX_SPARSE && sparse < dense) {
      begin(sparse);
      sparse(documents, frequencies, from, to, width);
    } else {
      begin(dense);
      dense(documents, frequencies, from, to, width);
    }
    if (chunks == superblocks.length) {
      superblocks = ArrayUtil.grow(superblocks, chunks + 1);
      maxima = ArrayUtil.growExact(maxima, superblocks.length);
      lengths = ArrayUtil.growExact(lengths, superblocks.length);
    }
    superblocks[chunks] = documents[from] >>> SUPER_BITS;
    maxima[chunks] = max;
    lengths[chunks++] = length;
    return this;
  }

  private static int blockOf(int document) {
    return document >>> BLOCK_BITS & BLOCKS - 1;
  }

  private void sparse(int[] documents, int[] frequencies, int from, int to, int width) {
    int n = to - from;
    int blocks = 0;
    for (int i = from; i < to; i++) {
      blocks |= 1 << blockOf(documents[i]);
    }
    bytes[0] = (byte) width;
    bytes[1] = (byte) (n - 1);
    BitUtil.VH_LE_INT.set(bytes, 2, blocks);
    int startsAt = 6 + n * width;
    int largestAt = 0;
    int otherAt = Integer.bitCount(blocks);
    for (int first = from; first < to; ) {
      int end = first + 1;
      int largest = first;
      for (; end < to && blockOf(documents[end]) == blockOf(documents[first]); end++) {
        if (frequencies[end] > frequencies[largest]) {
          largest = end;
        }
      }
      BlockLayout.writeBits(bytes, startsAt, first - from, 1);
      for (int i = first; i < end; i++) {
        int at = i == largest ? largestAt++ : otherAt++;
        BlockLayout.writeNumber(bytes, 6 + at * width, width, frequencies[i]);
        BlockLayout.writeBits(
            bytes, startsAt + BlockLayout.bytes(n), 5L * at, documents[i] & BLOCK - 1);
      }
      first = end;
    }
  }

  private void dense(int[] documents, int[] frequencies, int from, int to, int width) {
    bytes[0] = (byte) (DENSE | width);
    int maximaAt = 1;
    int documentsAt = maximaAt + BLOCKS * width;
    int frequenciesAt = documentsAt + SUPER / 8;
    int max = 0;
    for (int i = from; i < to; i++) {
      int block = blockOf(documents[i]);
      max = i > from && blockOf(documents[i - 1]) == block ? max : 0;
      max = Math.max(max, frequencies[i]);
      BlockLayout.writeNumber(bytes, maximaAt + block * width, width, max);
      BlockLayout.writeBits(bytes, documentsAt, documents[i] & SUPER - 1, 1);
      BlockLayout.writeNumber(bytes, frequenciesAt + (i - from) * width, width, frequencies[i]);
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
    int maximaAt = chunks * term.stepWidth;
    int lengthsAt = maximaAt + chunks * term.maxWidth;
    begin(Math.toIntExact(term.directoryLength()));
    before = -1;
    for (int c = 0; c < chunks; c++) {
      BlockLayout.writeNumber(
          bytes, c * term.stepWidth, term.stepWidth, superblocks[c] - before - 1);
      BlockLayout.writeNumber(bytes, maximaAt + c * term.maxWidth, term.maxWidth, maxima[c]);
      BlockLayout.writeNumber(
          bytes, lengthsAt + c * term.lengthWidth, term.lengthWidth, lengths[c]);
      before = superblocks[c];
    }
    return this;
  }
}
