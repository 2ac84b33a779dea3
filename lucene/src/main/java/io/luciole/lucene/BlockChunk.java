package io.luciole.lucene;

import static io.luciole.lucene.BlockLayout.BLOCK;
import static io.luciole.lucene.BlockLayout.BLOCKS;
import static io.luciole.lucene.BlockLayout.DENSE;
import static io.luciole.lucene.BlockLayout.HEAD;
import static io.luciole.lucene.BlockLayout.SUPER;

import java.io.IOException;

/**
 * The postings of a term in one superblock, by block. What bounds its products is read alone, all
 * else when it is first asked for. For use by one thread.
 */
final class BlockChunk {
  private final BlockSource source;
  private byte[] bytes = new byte[1 << 11];
  private long start;
  private int length;

  /** Whether all bytes are read, or only the head. */
  private boolean whole;

  private boolean dense;
  private int width;

  /** The blocks of a sparse chunk. */
  private int blocks;

  private int size;
  private int frequenciesAt;
  private int documentsAt;

  /**
   * Where each block starts among the postings by document, and the end: of a dense chunk all
   * blocks, of a sparse one those that have postings.
   */
  private final short[] starts = new short[BLOCKS + 1];

  BlockChunk(BlockSource source) {
    this.source = source;
  }

  /** Goes to a chunk. */
  void open(long at, int bytesOfIt) throws IOException {
    start = at;
    length = bytesOfIt;
    int head = Math.min(length, HEAD);
    bytes = source.read(start, head, bytes);
    int kind = bytes[0] & 0xFF;
    dense = kind >= DENSE;
    width = kind & DENSE - 1;
    blocks = BlockLayout.readInt(bytes, 2);
    if (width > 1) {
      head = Math.min(length, 6 + BLOCKS * width);
      bytes = source.read(start, head, bytes);
    }
    whole = false;
    if ((width != 1 && width != 2 && width != 4) || head < 6) {
      throw corrupt();
    }
  }

  private IOException corrupt() {
    return source.corrupt("expected a chunk of " + length + " bytes at " + start);
  }

  /** Reads what the head lacks. */
  private void readWhole() throws IOException {
    if (whole) {
      return;
    }
    bytes = source.read(start, length, bytes);
    boolean sound;
    if (dense) {
      documentsAt = 1 + BLOCKS * width;
      frequenciesAt = documentsAt + SUPER / 8;
      sound = frequenciesAt < length && readCounts() * width == length - frequenciesAt;
    } else {
      size = (bytes[1] & 0xFF) + 1;
      frequenciesAt = 6;
      int startsAt = frequenciesAt + size * width;
      documentsAt = startsAt + BlockLayout.bytes(size);
      sound =
          documentsAt + BlockLayout.bytes(5L * size) == length
              && readStarts(startsAt) == Integer.bitCount(blocks);
    }
    if (!sound) {
      throw corrupt();
    }
    whole = true;
  }

  private int readCounts() {
    int count = 0;
    for (int b = 0; b < BLOCKS; b++) {
      count += Integer.bitCount(BlockLayout.readInt(bytes, documentsAt + 4 * b));
      starts[b + 1] = (short) count;
    }
    size = count;
    return count;
  }

  /** Sets where blocks start, and returns how many do. */
  private int readStarts(int startsAt) {
    int count = 0;
    for (int from = 0; from < size; from += 64) {
      long word = BlockLayout.readLong(bytes, startsAt + (from >>> 3));
      if (size - from < 64) {
        word &= (1L << (size - from)) - 1;
      }
      if (count + Long.bitCount(word) > BLOCKS) {
        return -1;
      }
      for (; word != 0; word &= word - 1) {
        starts[count++] = (short) (from + Long.numberOfTrailingZeros(word));
      }
    }
    starts[count] = (short) size;
    return count;
  }

  private int number(int at, int i) {
    return width == 1 ? bytes[at + i] & 0xFF : BlockLayout.readNumber(bytes, at + i * width, width);
  }

  private int document(int i) {
    return (int) BlockLayout.readBits(bytes, documentsAt, 5L * i) & BLOCK - 1;
  }

  /** Adds the largest product of each block. */
  void addMaxima(float weight, double[] sums) {
    if (!dense && blocks != -1) {
      int i = 0;
      for (int left = blocks; left != 0; left &= left - 1) {
        sums[Integer.numberOfTrailingZeros(left)] += weight * number(6, i++);
      }
    } else {
      int at = dense ? 1 : 6;
      if (width == 1) {
        byte[] from = bytes;
        for (int b = 0; b < BLOCKS; b++) {
          sums[b] += weight * (from[at + b] & 0xFF);
        }
      } else {
        for (int b = 0; b < BLOCKS; b++) {
          sums[b] += weight * number(at, b);
        }
      }
    }
  }

  /** Adds the products of a block, by document of the block. */
  void addBlock(int block, float weight, double[] sums) throws IOException {
    if (!dense && (blocks >>> block & 1) == 0) {
      return;
    }
    readWhole();
    if (dense) {
      int i = starts[block];
      int documents = BlockLayout.readInt(bytes, documentsAt + 4 * block);
      for (; documents != 0; documents &= documents - 1) {
        sums[Integer.numberOfTrailingZeros(documents)] += weight * number(frequenciesAt, i++);
      }
    } else {
      addSparse(Integer.bitCount(blocks & (1 << block) - 1), weight, sums, 0);
    }
  }

  /** Adds the products of the block with postings of a rank. */
  private void addSparse(int rank, float weight, double[] sums, int base) {
    sums[base + document(rank)] += weight * number(6, rank);
    int before = Integer.bitCount(blocks) - rank;
    int end = starts[rank + 1] + before - 1;
    for (int i = starts[rank] + before; i < end; ) {
      // 11 documents are whole whatever bit the first starts at.
      long documents = BlockLayout.readBits(bytes, documentsAt, 5L * i);
      int until = Math.min(end, i + 11);
      for (; i < until; i++) {
        sums[base + ((int) documents & BLOCK - 1)] += weight * number(6, i);
        documents >>>= 5;
      }
    }
  }

  /** Adds the products of all blocks, by document of the superblock. */
  void addAll(float weight, double[] sums) throws IOException {
    readWhole();
    if (dense) {
      int i = 0;
      for (int b = 0; b < BLOCKS; b += 2) {
        long documents = BlockLayout.readLong(bytes, documentsAt + 4 * b);
        int base = b * BLOCK;
        for (; documents != 0; documents &= documents - 1) {
          sums[base + Long.numberOfTrailingZeros(documents)] += weight * number(frequenciesAt, i++);
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
  int decode(int base, int[] documents, int[] frequencies) throws IOException {
    readWhole();
    int n = 0;
    if (dense) {
      for (int b = 0; b < BLOCKS; b++) {
        int bits = BlockLayout.readInt(bytes, documentsAt + 4 * b);
        for (; bits != 0; bits &= bits - 1) {
          documents[n] = base + b * BLOCK + Integer.numberOfTrailingZeros(bits);
          frequencies[n] = number(frequenciesAt, n);
          n++;
        }
      }
      return n;
    }
    int rank = 0;
    int other = Integer.bitCount(blocks);
    for (int left = blocks; left != 0; left &= left - 1, rank++) {
      int first = base + Integer.numberOfTrailingZeros(left) * BLOCK;
      int largest = first + document(rank);
      int end = starts[rank + 1];
      for (boolean pending = true; n < end; n++) {
        // The largest stands apart, so one less is left when it has had its turn.
        int document = n + 1 < end || !pending ? first + document(other) : largest;
        if (pending && largest <= document) {
          documents[n] = largest;
          frequencies[n] = number(6, rank);
          pending = false;
        } else {
          documents[n] = document;
          frequencies[n] = number(6, other++);
        }
      }
    }
    return n;
  }
}
