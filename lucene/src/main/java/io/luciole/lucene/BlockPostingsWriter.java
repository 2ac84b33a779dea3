package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.codecs.BlockTermState;
import org.apache.lucene.codecs.CodecUtil;
import org.apache.lucene.codecs.PushPostingsWriterBase;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SegmentWriteState;
import org.apache.lucene.store.DataOutput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.util.ArrayUtil;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * Writes the postings of {@link BlockPostingsFormat}, as {@link BlockLayout} describes them. Keeps
 * the postings of a term until there are too many for a list, then those of one superblock.
 */
final class BlockPostingsWriter extends PushPostingsWriterBase {
  static final String EXTENSION = "lbp";
  static final String CODEC = "LucioleBlockPostings";
  static final String TERMS_CODEC = "LucioleBlockTerms";
  static final int VERSION = 0;

  /** A list is smaller than chunks up to about this many postings for each of them. */
  private static final int LIST_DENSITY = 6;

  /** A list is read as a whole, so it has no more postings than are read fast. */
  private static final int MAX_LIST = 1 << 20;

  private static final int SMALL_LIST = 64;

  private final IndexOutput file;
  private final PageChecks.Output out;
  private final int maxDocuments;
  private final int maxList;
  private final BlockEncoder encoder = new BlockEncoder();
  private final BlockTerm none = new BlockTerm();
  private BlockTerm before = none;

  private int[] documents = new int[BlockLayout.SUPER];
  private int[] frequencies = new int[BlockLayout.SUPER];
  private int size;
  private int last;
  private long start;
  private boolean chunked;

  BlockPostingsWriter(SegmentWriteState state) throws IOException {
    this.maxDocuments = state.segmentInfo.maxDoc();
    this.maxList =
        Math.max(
            SMALL_LIST,
            Math.min(MAX_LIST, LIST_DENSITY * ((maxDocuments >>> BlockLayout.SUPER_BITS) + 1)));
    String name =
        IndexFileNames.segmentFileName(state.segmentInfo.name, state.segmentSuffix, EXTENSION);
    this.file = state.directory.createOutput(name, state.context);
    try {
      CodecUtil.writeIndexHeader(
          file, CODEC, VERSION, state.segmentInfo.getId(), state.segmentSuffix);
      this.out = new PageChecks.Output(file);
    } catch (Throwable t) {
      IOUtils.closeWhileHandlingException(file);
      throw t;
    }
  }

  @Override
  public void init(IndexOutput terms, SegmentWriteState state) throws IOException {
    CodecUtil.writeIndexHeader(
        terms, TERMS_CODEC, VERSION, state.segmentInfo.getId(), state.segmentSuffix);
  }

  @Override
  public void setField(FieldInfo field) {
    super.setField(field);
    if (indexOptions != IndexOptions.DOCS_AND_FREQS) {
      throw new IllegalArgumentException(
          "The postings format "
              + BlockPostingsFormat.NAME
              + " is for fields with documents and frequencies (DOCS_AND_FREQS), and the field \""
              + field.name
              + "\" has "
              + indexOptions
              + ". Have the codec give it another format.");
    }
  }

  @Override
  public BlockTermState newTermState() {
    return new BlockTerm();
  }

  @Override
  public void startTerm(@Nullable NumericDocValues norms) {
    start = file.getFilePointer();
    size = 0;
    last = -1;
    chunked = false;
    encoder.startTerm();
  }

  @Override
  public void startDoc(int document, int frequency) throws IOException {
    if (document <= last || document >= maxDocuments || frequency < 1) {
      throw new CorruptIndexException(
          "expected documents in ascending order below "
              + maxDocuments
              + " with frequencies of 1 or more, found document "
              + document
              + " after "
              + last
              + " with frequency "
              + frequency,
          file.getName());
    }
    if (chunked) {
      if (document >>> BlockLayout.SUPER_BITS != last >>> BlockLayout.SUPER_BITS) {
        writeChunks(size);
      }
    } else if (size == maxList) {
      chunked = true;
      writeChunks(firstOfLastSuperblock());
      if (size > 0 && document >>> BlockLayout.SUPER_BITS != last >>> BlockLayout.SUPER_BITS) {
        writeChunks(size);
      }
    }
    if (size == documents.length) {
      documents = ArrayUtil.grow(documents, size + 1);
      frequencies = ArrayUtil.growExact(frequencies, documents.length);
    }
    documents[size] = document;
    frequencies[size++] = frequency;
    last = document;
  }

  @Override
  public void addPosition(int position, @Nullable BytesRef payload, int from, int to) {
    throw new IllegalStateException("a field with frequencies only has no positions");
  }

  @Override
  public void finishDoc() {}

  private int firstOfLastSuperblock() {
    int first = size;
    while (first > 0
        && documents[first - 1] >>> BlockLayout.SUPER_BITS == last >>> BlockLayout.SUPER_BITS) {
      first--;
    }
    return first;
  }

  /** Writes the chunks of the first postings, which end where a superblock ends. */
  private void writeChunks(int count) throws IOException {
    int from = 0;
    while (from < count) {
      int superblock = documents[from] >>> BlockLayout.SUPER_BITS;
      int to = count;
      if (documents[count - 1] >>> BlockLayout.SUPER_BITS != superblock) {
        to = from + 1;
        while (documents[to] >>> BlockLayout.SUPER_BITS == superblock) {
          to++;
        }
      }
      encoder.chunk(documents, frequencies, from, to).writeTo(out);
      from = to;
    }
    size -= count;
    System.arraycopy(documents, count, documents, 0, size);
    System.arraycopy(frequencies, count, frequencies, 0, size);
  }

  @Override
  public void finishTerm(BlockTermState state) throws IOException {
    BlockTerm term = (BlockTerm) state;
    term.clear();
    term.start = start;
    if (state.docFreq == 1) {
      term.document = documents[0];
      return;
    }
    if (!chunked && isList()) {
      term.max = BlockEncoder.max(frequencies, 0, size);
      encoder.list(documents, frequencies, size, term.max).writeTo(out);
      term.length = file.getFilePointer() - start;
      return;
    }
    writeChunks(size);
    term.length = file.getFilePointer() - start;
    encoder.finishTerm(term).writeTo(out);
  }

  private boolean isList() {
    int superblocks = 1;
    for (int i = 1; i < size; i++) {
      if (documents[i] >>> BlockLayout.SUPER_BITS != documents[i - 1] >>> BlockLayout.SUPER_BITS) {
        superblocks++;
      }
    }
    return size <= SMALL_LIST || size <= LIST_DENSITY * superblocks;
  }

  @Override
  public void encodeTerm(DataOutput terms, FieldInfo field, BlockTermState state, boolean absolute)
      throws IOException {
    BlockTerm term = (BlockTerm) state;
    term.write(terms, absolute ? none : before);
    before = term;
  }

  @Override
  public void close() throws IOException {
    try (file) {
      out.finish();
      CodecUtil.writeFooter(file);
    }
  }
}
