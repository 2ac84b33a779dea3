package io.luciole.lucene;

/** The chunks of a term, in order, one at a time. */
final class BlockDirectory {
  private final BlockTerm term;
  private final byte[] bytes;
  private final int maximaAt;
  private final int lengthsAt;
  private final int blocksAt;
  private final int topsAt;
  private int next;
  private int tops;
  private int blocks;
  private int superblock = -1;
  private long start;
  private int length;

  BlockDirectory(BlockTerm term, byte[] bytes) {
    this.term = term;
    this.bytes = bytes;
    this.maximaAt = term.chunks * term.stepWidth;
    this.lengthsAt = maximaAt + term.chunks * term.maxWidth;
    this.blocksAt = lengthsAt + term.chunks * term.lengthWidth;
    this.topsAt = blocksAt + term.chunks * Integer.BYTES;
    this.start = term.start;
  }

  /** Goes to the next chunk, the first at first; false after the last. */
  boolean next() {
    if (next == term.chunks) {
      return false;
    }
    start += length;
    tops += Integer.bitCount(blocks);
    blocks = BlockLayout.readInt(bytes, blocksAt + next * Integer.BYTES);
    superblock += 1 + BlockLayout.readNumber(bytes, next * term.stepWidth, term.stepWidth);
    length = BlockLayout.readNumber(bytes, lengthsAt + next * term.lengthWidth, term.lengthWidth);
    next++;
    return true;
  }

  /** The superblock of the chunk. */
  int superblock() {
    return superblock;
  }

  /** The last document of the superblock. */
  int end() {
    return ((superblock + 1) << BlockLayout.SUPER_BITS) - 1;
  }

  /** Where the chunk starts in the file. */
  long start() {
    return start;
  }

  /** Bytes of the chunk. */
  int length() {
    return length;
  }

  /** The blocks that have postings. */
  int blocks() {
    return blocks;
  }

  /** Where the largest frequencies of these blocks are in {@link #bytes}. */
  int topsAt() {
    return topsAt + tops * term.maxWidth;
  }

  byte[] bytes() {
    return bytes;
  }

  /** The width of the largest frequencies. */
  int topWidth() {
    return term.maxWidth;
  }

  /** The largest frequency of the chunk. */
  int max() {
    return BlockLayout.readNumber(bytes, maximaAt + (next - 1) * term.maxWidth, term.maxWidth);
  }
}
