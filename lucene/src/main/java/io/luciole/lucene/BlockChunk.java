package io.luciole.lucene;

import static io.luciole.lucene.BlockLayout.BLOCK;
import static io.luciole.lucene.BlockLayout.BLOCKS;
import static io.luciole.lucene.BlockLayout.DENSE;
import static io.luciole.lucene.BlockLayout.SUPER;

import java.io.IOException;

/** The postings of a term in one superblock, by block. For use by one thread. */
final class BlockChunk {
  private final BlockSource source;
  private byte[] bytes = new byte[1 << 11];
  private boolean dense;
  private int width;
  private int size;
  private int documentsAt;
  private int frequenciesAt;

  /** The blocks with postings, and their largest frequencies, which the directory has. */
  private int blocks;

  private int count;
  private byte[] tops = bytes;
  private int topsAt;
  private int topWidth;

  /** Where each block with postings starts among the postings by document, and the end. */
  private final short[] starts = new short[BLOCKS + 1];

  BlockChunk(BlockSource source) {
    this.source = source;
  }

  /** Reads the chunk at which a directory is. */
  void open(BlockDirectory directory) throws IOException {
    open(
        directory.start(),
        directory.length(),
        directory.blocks(),
        directory.bytes(),
        directory.topsAt(),
        directory.topWidth());
  }

  /** Reads a chunk, of which the directory has the blocks with postings and their tops. */
  void open(long start, int length, int blocksOf, byte[] topsOf, int topsOfAt, int topWidthOf)
      throws IOException {
    blocks = blocksOf;
    count = Integer.bitCount(blocks);
    tops = topsOf;
    topsAt = topsOfAt;
    topWidth = topWidthOf;
    bytes = source.read(start, length, bytes);
    int kind = bytes[0] & 0xFF;
    dense = kind >= DENSE;
    width = kind & (DENSE - 1);
    boolean sound = width == 1 || width == 2 || width == 4;
    if (dense) {
      documentsAt = 1;
      frequenciesAt = documentsAt + SUPER / 8;
      sound &= frequenciesAt < length && readCounts() == count;
      sound &= frequenciesAt + size * width == length;
    } else {
      size = (bytes[1] & 0xFF) + 1;
      documentsAt = 2 + BlockLayout.bytes(size);
      frequenciesAt = documentsAt + BlockLayout.bytes(5L * size);
      sound &= frequenciesAt + (size - count) * width == length && readStarts() == count;
    }
    if (!sound) {
      throw source.corrupt("expected a chunk of " + length + " bytes at " + start);
    }
  }

  /** Sets where blocks start, and returns how many do. */
  private int readCounts() {
    int found = 0;
    size = 0;
    for (int b = 0; b < BLOCKS; b++) {
      int documents = Integer.bitCount(BlockLayout.readInt(bytes, documentsAt + 4 * b));
      starts[found] = (short) size;
      size += documents;
      found += documents > 0 ? 1 : 0;
    }
    starts[found] = (short) size;
    return found;
  }

  /** Sets where blocks start, and returns how many do. */
  private int readStarts() {
    int found = 0;
    for (int from = 0; from < size; from += 64) {
      long word = BlockLayout.readLong(bytes, 2 + (from >>> 3));
      if (size - from < 64) {
        word &= (1L << (size - from)) - 1;
      }
      if (found + Long.bitCount(word) > BLOCKS) {
        return -1;
      }
      for (; word != 0; word &= word - 1) {
        starts[found++] = (short) (from + Long.numberOfTrailingZeros(word));
      }
    }
    starts[found] = (short) size;
    return found;
  }

  private int frequency(int i) {
    return width == 1
        ? bytes[frequenciesAt + i] & 0xFF
        : BlockLayout.readNumber(bytes, frequenciesAt + i * width, width);
  }

  private int top(int rank) {
    return topWidth == 1
        ? tops[topsAt + rank] & 0xFF
        : BlockLayout.readNumber(tops, topsAt + rank * topWidth, topWidth);
  }

  private int document(int i) {
    return (int) BlockLayout.readBits(bytes, documentsAt, 5L * i) & (BLOCK - 1);
  }

  /** Adds the products of a block with postings, by document of the block. */
  void addBlock(int block, float weight, double[] sums) {
    int rank = Integer.bitCount(blocks & ((1 << block) - 1));
    if (dense) {
      int i = starts[rank];
      int documents = BlockLayout.readInt(bytes, documentsAt + 4 * block);
      for (; documents != 0; documents &= documents - 1) {
        sums[Integer.numberOfTrailingZeros(documents)] += weight * frequency(i++);
      }
    } else {
      addSparse(rank, weight, sums, 0);
    }
  }

  /** Adds the products of the block with postings of a rank. */
  private void addSparse(int rank, float weight, double[] sums, int base) {
    sums[base + document(rank)] += weight * top(rank);
    // Each block before has one posting that is not among the others.
    int i = starts[rank] - rank;
    int end = starts[rank + 1] - rank - 1;
    while (i < end) {
      // 11 documents are whole whatever bit the first starts at.
      long documents = BlockLayout.readBits(bytes, documentsAt, 5L * (count + i));
      for (int until = Math.min(end, i + 11); i < until; i++) {
        sums[base + ((int) documents & (BLOCK - 1))] += weight * frequency(i);
        documents >>>= 5;
      }
    }
  }

  /** Adds the products of all blocks, by document of the superblock. */
  void addAll(float weight, double[] sums) {
    if (dense) {
      int i = 0;
      for (int b = 0; b < BLOCKS; b += 2) {
        long documents = BlockLayout.readLong(bytes, documentsAt + 4 * b);
        int base = b * BLOCK;
        for (; documents != 0; documents &= documents - 1) {
          sums[base + Long.numberOfTrailingZeros(documents)] += weight * frequency(i++);
        }
      }
    } else {
      int rank = 0;
      for (int left = blocks; left != 0; left &= left - 1) {
        addSparse(rank++, weight, sums, Integer.numberOfTrailingZeros(left) * BLOCK);
      }
    }
  }

  /**
   * Decodes the postings by document.
   *
   * @param base the first document of the superblock
   * @param documents where to, as {@code frequencies}; of the length of a superblock
   * @return how many there are
   */
  int decode(int base, int[] documents, int[] frequencies) {
    int n = 0;
    if (dense) {
      for (int b = 0; b < BLOCKS; b++) {
        int bits = BlockLayout.readInt(bytes, documentsAt + 4 * b);
        for (; bits != 0; bits &= bits - 1) {
          documents[n] = base + b * BLOCK + Integer.numberOfTrailingZeros(bits);
          frequencies[n] = frequency(n);
          n++;
        }
      }
      return n;
    }
    int rank = 0;
    int other = 0;
    for (int left = blocks; left != 0; left &= left - 1, rank++) {
      int first = base + Integer.numberOfTrailingZeros(left) * BLOCK;
      int largest = first + document(rank);
      int end = starts[rank + 1];
      for (boolean pending = true; n < end; n++) {
        // The largest stands apart, so one less is left when it has had its turn.
        int document = n + 1 < end || !pending ? first + document(count + other) : largest;
        if (pending && largest <= document) {
          documents[n] = largest;
          frequencies[n] = top(rank);
          pending = false;
        } else {
          documents[n] = document;
          frequencies[n] = frequency(other++);
        }
      }
    }
    return n;
  }
}
