package io.luciole.lucene;

import java.io.IOException;
import java.util.zip.CRC32C;
import org.apache.lucene.codecs.CodecUtil;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.store.DataOutput;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.RandomAccessInput;
import org.apache.lucene.util.ArrayUtil;

/**
 * Checksums of the pages of a file, by which damage is found before what is damaged is used. A page
 * is compared when something of it is read for the first time since the file was opened, so that a
 * large file opens at once and later reads cost nothing.
 *
 * <pre>
 * header      of Lucene's
 * content     in pages of 8192 bytes from the end of the header on, the last one shorter
 * checksums   4 bytes for each page: its CRC-32C
 * size        8 bytes: those of the content
 * footer      of Lucene's, with the checksum of the file
 * </pre>
 *
 * <p>Safe for use by many threads.
 */
final class PageChecks {
  private static final int PAGE_BITS = 13;
  private static final int PAGE = 1 << PAGE_BITS;

  private final IndexInput file;
  private final long start;
  private final long end;

  /**
   * A bit for each page that was compared. Threads may overwrite each other's bits; a page whose
   * bit is lost is compared again.
   */
  private final long[] compared;

  /**
   * Reads where the pages are.
   *
   * @param start where the header ends
   */
  PageChecks(IndexInput file, long start) throws IOException {
    this.file = file;
    this.start = start;
    long sizeAt = file.length() - CodecUtil.footerLength() - Long.BYTES;
    long size = sizeAt < start ? -1 : file.randomAccessSlice(sizeAt, Long.BYTES).readLong(0);
    long pages = (size + PAGE - 1) >>> PAGE_BITS;
    if (size < 0 || size > sizeAt || start + size + pages * Integer.BYTES != sizeAt) {
      throw new CorruptIndexException("expected " + size + " bytes of content", file);
    }
    this.end = start + size;
    this.compared = new long[(int) ((pages + 63) >>> 6)];
  }

  /** The file whose pages these are. */
  IndexInput file() {
    return file;
  }

  /** Where the last page ends. */
  long end() {
    return end;
  }

  /**
   * Compares the pages of a part that were not compared before.
   *
   * @param in the file, from its beginning
   * @param at where the part starts
   * @param length its bytes, at least 1
   * @throws CorruptIndexException if a page is not what was written, or there is no such part
   */
  void require(RandomAccessInput in, long at, int length) throws IOException {
    if (at < start || length < 1 || at + length > end) {
      throw corrupt("expected " + length + " bytes at " + at + ", found no such place");
    }
    long last = (at + length - 1 - start) >>> PAGE_BITS;
    for (long page = (at - start) >>> PAGE_BITS; page <= last; page++) {
      if (((compared[(int) (page >>> 6)] >>> page) & 1) == 0) {
        compare(in, page);
      }
    }
  }

  private void compare(RandomAccessInput in, long page) throws IOException {
    long at = start + (page << PAGE_BITS);
    byte[] bytes = new byte[(int) Math.min(PAGE, end - at)];
    in.readBytes(at, bytes, 0, bytes.length);
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    int expected = in.readInt(end + page * Integer.BYTES);
    if ((int) sum.getValue() != expected) {
      throw corrupt("the " + bytes.length + " bytes at " + at + " are damaged");
    }
    compared[(int) (page >>> 6)] |= 1L << page;
  }

  /** A failure to be thrown about this file. */
  CorruptIndexException corrupt(String problem) {
    return new CorruptIndexException(
        problem + "; restore the index from a copy, or index anew", file);
  }

  /** Writes the pages of a file. For use by one thread. */
  static final class Output extends DataOutput {
    private final IndexOutput file;
    private final long start;
    private final CRC32C sum = new CRC32C();
    private int[] sums = new int[16];
    private int pages;
    private int filled;

    /**
     * Starts the first page.
     *
     * @param file behind its header
     */
    Output(IndexOutput file) {
      this.file = file;
      this.start = file.getFilePointer();
    }

    /** The bytes of the file so far, its header included. */
    long position() {
      return file.getFilePointer();
    }

    void write(byte[] bytes, int length) throws IOException {
      writeBytes(bytes, 0, length);
    }

    @Override
    public void writeBytes(byte[] bytes, int offset, int length) throws IOException {
      file.writeBytes(bytes, offset, length);
      for (int at = 0; at < length; ) {
        int count = Math.min(length - at, PAGE - filled);
        sum.update(bytes, offset + at, count);
        at += count;
        filled += count;
        if (filled == PAGE) {
          endPage();
        }
      }
    }

    @Override
    public void writeByte(byte value) throws IOException {
      file.writeByte(value);
      sum.update(value);
      if (++filled == PAGE) {
        endPage();
      }
    }

    private void endPage() {
      sums = ArrayUtil.grow(sums, pages + 1);
      sums[pages++] = (int) sum.getValue();
      sum.reset();
      filled = 0;
    }

    /** Writes the checksums behind the last page. */
    void finish() throws IOException {
      long size = file.getFilePointer() - start;
      if (filled > 0) {
        endPage();
      }
      for (int page = 0; page < pages; page++) {
        file.writeInt(sums[page]);
      }
      file.writeLong(size);
    }
  }
}
