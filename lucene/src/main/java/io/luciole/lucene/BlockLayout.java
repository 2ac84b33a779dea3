package io.luciole.lucene;

import org.apache.lucene.util.BitUtil;

/**
 * The layout of the postings of {@link BlockPostingsFormat}, for its writer and its readers.
 * Documents are numbered within a segment; a <em>block</em> is 32 documents in a row, a
 * <em>superblock</em> 32 blocks in a row. All numbers are little-endian; packed bits begin at the
 * lowest bit of the first byte.
 *
 * <p>A term with one posting has it in the terms dictionary. A term with few for each superblock
 * that it occurs in has a <em>list</em>; any other has <em>chunks</em>, one for each superblock
 * that it occurs in, and a directory after them. A frequency is an unsigned number of {@link
 * #width} bytes, by the largest of the list or chunk.
 *
 * <pre>
 * list       low           1 byte: how many low bits of a document are packed
 *            low bits      of each posting, by document
 *            high bits     for each posting, by document: as many 0 as its document without the low
 *                          bits exceeds that before it, then 1; filled up with 0 to whole bytes
 *            frequencies   by document
 *
 * sparse     kind          1 byte: the width of the frequencies
 * chunk      n - 1         1 byte: the postings, at most 256
 *            starts        n bits: the postings by document that are the first of their block
 *            documents     5 bits a posting, the document within its block: of each block that of
 *                          its largest frequency (of equal ones, the first), then all others
 *            frequencies   of these others, by document
 *
 * dense      kind          1 byte: 128 + the width of the frequencies
 * chunk      documents     1024 bits: the documents that have postings
 *            frequencies   by document
 *
 * directory  steps         of each chunk: its superblock minus that of the chunk before, minus 1
 *            maxima        of each chunk: its largest frequency
 *            lengths       of each chunk, in bytes
 *            blocks        32 bits of each chunk: its blocks that have postings
 *            tops          of each of these blocks, by chunk: its largest frequency
 *            Each is an array of numbers of a width; term metadata has the widths.
 * </pre>
 *
 * <p>So a directory has all that bounds products, to be read in order, and chunks are read where
 * documents are to be scored. {@link PageChecks} describes what follows the postings in the file.
 */
final class BlockLayout {
  static final int BLOCK_BITS = 5;
  static final int BLOCK = 1 << BLOCK_BITS;
  static final int SUPER_BITS = 10;
  static final int SUPER = 1 << SUPER_BITS;
  static final int BLOCKS = SUPER >>> BLOCK_BITS;
  static final int DENSE = 128;
  static final int MAX_SPARSE = 256;

  /** Readers take 8 bytes at any place of a list, chunk or directory. */
  static final int PADDING = 16;

  private BlockLayout() {}

  /** The bytes of an unsigned number: 0, 1, 2 or 4. */
  static int width(int max) {
    return max == 0 ? 0 : max < 1 << 8 ? 1 : max < 1 << 16 ? 2 : 4;
  }

  static int bytes(long bits) {
    return Math.toIntExact((bits + 7) >>> 3);
  }

  static long readLong(byte[] from, int at) {
    return (long) BitUtil.VH_LE_LONG.get(from, at);
  }

  static int readInt(byte[] from, int at) {
    return (int) BitUtil.VH_LE_INT.get(from, at);
  }

  static int readNumber(byte[] from, int at, int width) {
    return switch (width) {
      case 0 -> 0;
      case 1 -> from[at] & 0xFF;
      case 2 -> (short) BitUtil.VH_LE_SHORT.get(from, at) & 0xFFFF;
      default -> readInt(from, at);
    };
  }

  static void writeNumber(byte[] to, int at, int width, int number) {
    switch (width) {
      case 0 -> {}
      case 1 -> to[at] = (byte) number;
      case 2 -> BitUtil.VH_LE_SHORT.set(to, at, (short) number);
      default -> BitUtil.VH_LE_INT.set(to, at, number);
    }
  }

  /** Sets up to 57 bits of bytes that are 0 there. */
  static void writeBits(byte[] to, int base, long bit, long value) {
    int at = base + (int) (bit >>> 3);
    BitUtil.VH_LE_LONG.set(to, at, readLong(to, at) | (value << (bit & 7)));
  }

  static long readBits(byte[] from, int base, long bit) {
    return readLong(from, base + (int) (bit >>> 3)) >>> (bit & 7);
  }

  /** Packs 8 numbers of 5 bits, each in a byte, and 0 behind them; the first is a multiple of 8. */
  static void pack(byte[] numbers, int first, byte[] to, int base) {
    long bits = readLong(numbers, first);
    // 4 of 10 bits, then 2 of 20, then 40.
    bits = (bits & 0x001F_001F_001F_001FL) | ((bits & 0x1F00_1F00_1F00_1F00L) >>> 3);
    bits = (bits & 0x0000_03FF_0000_03FFL) | ((bits & 0x03FF_0000_03FF_0000L) >>> 6);
    bits = (bits & 0x0000_0000_000F_FFFFL) | ((bits & 0x000F_FFFF_0000_0000L) >>> 12);
    BitUtil.VH_LE_LONG.set(to, base + BLOCK_BITS * (first >>> 3), bits);
  }

  /** Unpacks 8 numbers that {@link #pack} packed. */
  static void unpack(byte[] from, int base, byte[] numbers, int first) {
    long bits = readLong(from, base + BLOCK_BITS * (first >>> 3));
    bits = (bits & 0x0000_0000_000F_FFFFL) | ((bits << 12) & 0x000F_FFFF_0000_0000L);
    bits = (bits & 0x0000_03FF_0000_03FFL) | ((bits << 6) & 0x03FF_0000_03FF_0000L);
    bits = (bits & 0x001F_001F_001F_001FL) | ((bits << 3) & 0x1F00_1F00_1F00_1F00L);
    BitUtil.VH_LE_LONG.set(numbers, first, bits);
  }
}
