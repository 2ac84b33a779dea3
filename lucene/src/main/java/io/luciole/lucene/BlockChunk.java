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

  /**
   * Where each block with postings starts among the postings by document, and the end; once it is
   * needed.
   */
  private final short[] starts = new short[BLOCKS + 1];

  private boolean started;

  /** The first document of each block with postings. */
  private final int[] firsts = new int[BLOCKS];

  /** Documents within their blocks, as they are kept. */
  private final byte[] inBlock = new byte[BlockLayout.MAX_SPARSE + 8];

  /**
   * The place of the largest of each block with postings, by document; behind them as many that
   * nobody reads, for what is not to be kept.
   */
  private final int[] places = new int[2 * BLOCKS];

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
    started = false;
    boolean sound = width == 1 || width == 2 || width == 4;
    if (dense) {
      documentsAt = 1;
      frequenciesAt = documentsAt + SUPER / 8;
      sound &= frequenciesAt < length && readBlocks() == blocks;
      sound &= frequenciesAt + size * width == length;
    } else {
      size = (bytes[1] & 0xFF) + 1;
      documentsAt = 2 + BlockLayout.bytes(size);
      frequenciesAt = documentsAt + BlockLayout.bytes(5L * size);
      sound &= frequenciesAt + (size - count) * width == length;
      sound &= (bytes[2] & 1) == 1 && countStarts() == count;
    }
    if (!sound) {
      throw source.corrupt("expected a chunk of " + length + " bytes at " + start);
    }
  }

  /** Sets the size of a dense chunk, and returns its blocks with postings. */
  private int readBlocks() {
    int found = 0;
    size = 0;
    for (int b = 0; b < BLOCKS; b += 2) {
      long documents = BlockLayout.readLong(bytes, documentsAt + 4 * b);
      size += Long.bitCount(documents);
      found |= ((int) documents != 0 ? 1 : 0) << b;
      found |= (documents >>> 32 != 0 ? 2 : 0) << b;
    }
    return found;
  }

  /** 64 bits of a sparse chunk that say which of its postings from one on start a block. */
  private long startsFrom(int posting) {
    long word = BlockLayout.readLong(bytes, 2 + (posting >>> 3));
    return size - posting < 64 ? word & ((1L << (size - posting)) - 1) : word;
  }

  private int countStarts() {
    int found = 0;
    for (int from = 0; from < size; from += 64) {
      found += Long.bitCount(startsFrom(from));
    }
    return found;
  }

  /** Sets where blocks start. */
  private void start() {
    if (started) {
      return;
    }
    started = true;
    int found = 0;
    if (dense) {
      int at = 0;
      for (int left = blocks; left != 0; left &= left - 1) {
        starts[found++] = (short) at;
        int block = Integer.numberOfTrailingZeros(left);
        at += Integer.bitCount(BlockLayout.readInt(bytes, documentsAt + 4 * block));
      }
    } else {
      for (int from = 0; from < size; from += 64) {
        for (long word = startsFrom(from); word != 0; word &= word - 1) {
          starts[found++] = (short) (from + Long.numberOfTrailingZeros(word));
        }
      }
    }
    starts[found] = (short) size;
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

  /**
   * Adds the products of a block with postings, by document of the block.
   *
   * @param wanted a bit for each document whose sum is wanted; others may be left as they are
   * @param base where the sum of the block's first document is
   */
  void addBlock(int block, int wanted, float weight, double[] sums, int base) {
    start();
    int rank = Integer.bitCount(blocks & ((1 << block) - 1));
    if (dense) {
      int i = starts[rank];
      int documents = BlockLayout.readInt(bytes, documentsAt + 4 * block);
      if (wanted != -1) {
        for (int left = documents & wanted; left != 0; left &= left - 1) {
          int bit = Integer.numberOfTrailingZeros(left);
          int before = Integer.bitCount(documents & ((1 << bit) - 1));
          sums[base + bit] += weight * frequency(i + before);
        }
        return;
      }
      for (; documents != 0; documents &= documents - 1) {
        sums[base + Integer.numberOfTrailingZeros(documents)] += weight * frequency(i++);
      }
    } else {
      addSparse(rank, weight, sums, base);
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
      addAllSparse(weight, sums);
    }
  }

  /** Without a loop for each block, of whose length a processor knows nothing. */
  private void addAllSparse(float weight, double[] sums) {
    int rank = 0;
    for (int left = blocks; left != 0; left &= left - 1) {
      int first = Integer.numberOfTrailingZeros(left) * BLOCK;
      firsts[rank] = first;
      sums[first + document(rank)] += weight * top(rank);
      rank++;
    }
    // The other postings are those that start no block: of the i-th, at p, p - i blocks started.
    int i = 0;
    for (int from = 0; from < size; from += 64) {
      long others = ~startsFrom(from);
      if (size - from < 64) {
        others &= (1L << (size - from)) - 1;
      }
      for (; others != 0; others &= others - 1) {
        int first = firsts[from + Long.numberOfTrailingZeros(others) - i - 1];
        sums[first + document(count + i)] += weight * frequency(i);
        i++;
      }
    }
  }

  /**
   * Replaces the largest product in the block of some documents by the product of each.
   *
   * @param documents ascending numbers within the superblock
   * @param sums of each of these
   */
  void replace(int[] documents, int n, float weight, double[] sums) {
    start();
    for (int d = 0; d < n; d++) {
      int block = documents[d] >>> BlockLayout.BLOCK_BITS;
      if (((blocks >>> block) & 1) == 0) {
        continue;
      }
      int rank = Integer.bitCount(blocks & ((1 << block) - 1));
      int wanted = documents[d] & (BLOCK - 1);
      sums[d] -= weight * top(rank);
      if (dense) {
        int present = BlockLayout.readInt(bytes, documentsAt + 4 * block);
        if (((present >>> wanted) & 1) != 0) {
          int before = Integer.bitCount(present & ((1 << wanted) - 1));
          sums[d] += weight * frequency(starts[rank] + before);
        }
      } else if (document(rank) == wanted) {
        sums[d] += weight * top(rank);
      } else {
        int end = starts[rank + 1] - rank - 1;
        for (int i = starts[rank] - rank; i < end; i++) {
          if (document(count + i) == wanted) {
            sums[d] += weight * frequency(i);
            break;
          }
        }
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
    if (dense) {
      int n = 0;
      for (int b = 0; b < BLOCKS; b += 2) {
        long bits = BlockLayout.readLong(bytes, documentsAt + 4 * b);
        for (; bits != 0; bits &= bits - 1) {
          documents[n] = base + b * BLOCK + Long.numberOfTrailingZeros(bits);
          frequencies[n] = frequency(n);
          n++;
        }
      }
    } else {
      decodeSparse(base, documents, frequencies);
    }
    return size;
  }

  /** Without a loop for each block, as {@link #addAllSparse}. */
  private void decodeSparse(int base, int[] documents, int[] frequencies) {
    for (int i = 0; i < size; i += 8) {
      BlockLayout.unpack(bytes, documentsAt, inBlock, i);
    }
    int rank = 0;
    for (int left = blocks; left != 0; left &= left - 1) {
      firsts[rank++] = base + Integer.numberOfTrailingZeros(left) * BLOCK;
    }
    rank = 0;
    int i = 0;
    for (int from = 0; from < size; from += 64) {
      long starting = startsFrom(from);
      for (long left = starting; left != 0; left &= left - 1) {
        places[rank++] = from + Long.numberOfTrailingZeros(left);
      }
      long others = ~starting;
      if (size - from < 64) {
        others &= (1L << (size - from)) - 1;
      }
      for (; others != 0; others &= others - 1) {
        int at = from + Long.numberOfTrailingZeros(others);
        int of = at - i - 1;
        int document = inBlock[count + i];
        // One place further on if behind the largest of its block, which else moves behind it.
        int behind = (inBlock[of] - document) >>> 31;
        places[of + behind * BLOCKS] = at;
        documents[at - 1 + behind] = firsts[of] + document;
        frequencies[at - 1 + behind] = frequency(i);
        i++;
      }
    }
    for (int r = 0; r < count; r++) {
      documents[places[r]] = firsts[r] + inBlock[r];
      frequencies[places[r]] = top(r);
    }
  }
}
