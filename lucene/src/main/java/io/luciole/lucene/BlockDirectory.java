package io.luciole.lucene;

/** The chunks of a term, in order, one at a time. */
final class BlockDirectory {
  private final BlockTerm term;
  private final byte[] bytes;
  private final int maximaAt;
  private final int lengthsAt;
  private int next;
  private int superblock = -1;
  private long start;
  private int length;

  BlockDirectory(BlockTerm term, byte[] bytes) {
    this.term = term;
    this.bytes = bytes;
    this.maximaAt = term.chunks * term.stepWidth;
    this.lengthsAt = maximaAt + term.chunks * term.maxWidth;
    this.start = term.start;
  }

  /** Goes to the next chunk, the first at first; false after the last. */
  boolean next() {
    if (next == term.chunks) {
      return false;
    }
    start += length;
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
    return (superblock + 1 << BlockLayout.SUPER_BITS) - 1;
  }

  /** Where the chunk starts in the file. */
  long start() {
    return start;
  }

  /** Bytes of the chunk. */
  int length() {
    return length;
  }

  /** The largest frequency of the chunk. */
  int max() {
    return BlockLayout.readNumber(bytes, maximaAt + (next - 1) * term.maxWidth, term.maxWidth);
  }
}
