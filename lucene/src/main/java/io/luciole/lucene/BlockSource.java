package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.store.RandomAccessInput;
import org.apache.lucene.util.ArrayUtil;

/**
 * Reads and decodes lists, chunks and directories of {@link BlockLayout}. For use by one thread.
 */
final class BlockSource {
  private final PageChecks checks;
  private final RandomAccessInput in;
  private final int maxDocuments;

  BlockSource(PageChecks checks, int maxDocuments) throws IOException {
    this.checks = checks;
    this.in = checks.file().randomAccessSlice(0, checks.file().length());
    this.maxDocuments = maxDocuments;
  }

  /** Whether this reads a file. */
  @SuppressWarnings("ReferenceEquality") // One object for each open file.
  boolean isOf(PageChecks other) {
    return checks == other;
  }

  /** Documents of the segment. */
  int maxDocuments() {
    return maxDocuments;
  }

  /** Superblocks of the segment. */
  int superblocks() {
    return (maxDocuments + BlockLayout.SUPER - 1) >>> BlockLayout.SUPER_BITS;
  }

  /** A failure to be thrown about this file. */
  CorruptIndexException corrupt(String problem) {
    return checks.corrupt(problem);
  }

  /**
   * Reads a part.
   *
   * @param into where to; replaced if it is too short
   * @return the bytes of the part, and at least {@link BlockLayout#PADDING} others
   * @throws CorruptIndexException if the part is not what was written
   */
  byte[] read(long at, int length, byte[] into) throws IOException {
    checks.require(in, at, length);
    byte[] bytes =
        into.length >= length + BlockLayout.PADDING
            ? into
            : new byte[ArrayUtil.oversize(length + BlockLayout.PADDING, 1)];
    in.readBytes(at, bytes, 0, length);
    return bytes;
  }

  /** The directory of a term's chunks. */
  BlockDirectory directory(BlockTerm term) throws IOException {
    byte[] bytes =
        read(term.start + term.length, Math.toIntExact(term.directoryLength()), new byte[0]);
    return new BlockDirectory(term, bytes);
  }

  /**
   * Decodes a list.
   *
   * @param documents where to, as {@code frequencies}; long enough for the term's postings
   */
  void list(BlockTerm term, int[] documents, int[] frequencies) throws IOException {
    int size = term.docFreq;
    int width = BlockLayout.width(term.max);
    byte[] bytes = read(term.start, Math.toIntExact(term.length), new byte[0]);
    int low = bytes[0];
    int highAt = 1 + BlockLayout.bytes((long) size * low);
    int frequenciesAt = (int) term.length - size * width;
    if (low < 0 || low > 31 || highAt > frequenciesAt) {
      throw corrupt("expected a list of " + size + " postings at " + term.start);
    }
    int mask = (1 << low) - 1;
    int found = 0;
    for (int at = highAt; at < frequenciesAt; at += 8) {
      long word = BlockLayout.readLong(bytes, at);
      if (at + 8 > frequenciesAt) {
        word &= -1L >>> (64 - 8 * (frequenciesAt - at));
      }
      int base = (at - highAt) * 8;
      if (found + Long.bitCount(word) > size) {
        throw corrupt("expected a list of " + size + " postings at " + term.start);
      }
      for (; word != 0; word &= word - 1) {
        int high = base + Long.numberOfTrailingZeros(word) - found;
        documents[found] =
            (high << low) | ((int) BlockLayout.readBits(bytes, 1, (long) found * low) & mask);
        found++;
      }
    }
    if (found != size || documents[size - 1] >= maxDocuments) {
      throw corrupt("expected a list of " + size + " postings at " + term.start);
    }
    for (int i = 0; i < size; i++) {
      frequencies[i] =
          width == 1
              ? bytes[frequenciesAt + i] & 0xFF
              : BlockLayout.readNumber(bytes, frequenciesAt + i * width, width);
    }
  }
}
