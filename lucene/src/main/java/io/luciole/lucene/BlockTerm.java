package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.codecs.BlockTermState;
import org.apache.lucene.index.TermState;
import org.apache.lucene.store.DataInput;
import org.apache.lucene.store.DataOutput;

/** What the terms dictionary has of a term: where its postings are. */
final class BlockTerm extends BlockTermState {
  /** The document, where there is one posting. */
  int document;

  /** Where the postings start in their file; of a term with one, where those before it end. */
  long start;

  /** Bytes of the list or of the chunks. */
  long length;

  /** The largest frequency. */
  int max;

  /** Chunks, or 0 for a list. */
  int chunks;

  /** The blocks with postings in all chunks. */
  int tops;

  int stepWidth;
  int maxWidth;
  int lengthWidth;

  long end() {
    return start + length + directoryLength();
  }

  /** Bytes of the directory. */
  long directoryLength() {
    return chunks == 0
        ? 0
        : (long) chunks * (stepWidth + maxWidth + lengthWidth + Integer.BYTES)
            + (long) tops * maxWidth;
  }

  /** Writes this after the term before it in the same block of the terms dictionary. */
  void write(DataOutput out, BlockTerm before) throws IOException {
    if (docFreq == 1) {
      start = before.end();
      out.writeVInt(document);
      return;
    }
    out.writeVLong(start - before.end());
    out.writeVLong((length << 1) | (chunks > 0 ? 1 : 0));
    out.writeVInt(max);
    if (chunks > 0) {
      out.writeVInt(chunks);
      out.writeVInt(tops);
      out.writeByte((byte) (code(stepWidth) | (code(maxWidth) << 2) | (code(lengthWidth) << 4)));
    }
  }

  /** Reads what {@link #write} wrote; this holds the term before it. */
  void read(DataInput in) throws IOException {
    start = end();
    length = 0;
    chunks = 0;
    if (docFreq == 1) {
      document = in.readVInt();
      max = Math.toIntExact(totalTermFreq);
      return;
    }
    start += in.readVLong();
    long coded = in.readVLong();
    length = coded >>> 1;
    max = in.readVInt();
    if ((coded & 1) != 0) {
      chunks = in.readVInt();
      tops = in.readVInt();
      int widths = in.readByte() & 0xFF;
      stepWidth = width(widths & 3);
      maxWidth = width((widths >>> 2) & 3);
      lengthWidth = width((widths >>> 4) & 3);
    }
  }

  private static int code(int width) {
    return width == 4 ? 3 : width;
  }

  private static int width(int code) {
    return code == 3 ? 4 : code;
  }

  /** As before the first term of a block of the terms dictionary. */
  void clear() {
    start = 0;
    length = 0;
    chunks = 0;
  }

  @Override
  public void copyFrom(TermState other) {
    super.copyFrom(other);
    BlockTerm that = (BlockTerm) other;
    document = that.document;
    start = that.start;
    length = that.length;
    max = that.max;
    chunks = that.chunks;
    tops = that.tops;
    stepWidth = that.stepWidth;
    maxWidth = that.maxWidth;
    lengthWidth = that.lengthWidth;
  }

  @Override
  public BlockTerm clone() {
    BlockTerm copy = new BlockTerm();
    copy.copyFrom(this);
    return copy;
  }
}
