package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.codecs.BlockTermState;
import org.apache.lucene.codecs.CodecUtil;
import org.apache.lucene.codecs.PostingsReaderBase;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.ImpactsEnum;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.store.DataInput;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/** Reads the postings of {@link BlockPostingsFormat}. Nothing is kept on the heap. */
final class BlockPostingsReader extends PostingsReaderBase {
  private final IndexInput in;
  private final PageChecks checks;
  private final int maxDocuments;

  BlockPostingsReader(SegmentReadState state) throws IOException {
    this.maxDocuments = state.segmentInfo.maxDoc();
    String name =
        IndexFileNames.segmentFileName(
            state.segmentInfo.name, state.segmentSuffix, BlockPostingsWriter.EXTENSION);
    this.in = state.directory.openInput(name, state.context);
    try {
      CodecUtil.checkIndexHeader(
          in,
          BlockPostingsWriter.CODEC,
          BlockPostingsWriter.VERSION,
          BlockPostingsWriter.VERSION,
          state.segmentInfo.getId(),
          state.segmentSuffix);
      this.checks = new PageChecks(in, in.getFilePointer());
      CodecUtil.retrieveChecksum(in);
    } catch (Throwable t) {
      IOUtils.closeWhileHandlingException(in);
      throw t;
    }
  }

  @Override
  public void init(IndexInput terms, SegmentReadState state) throws IOException {
    CodecUtil.checkIndexHeader(
        terms,
        BlockPostingsWriter.TERMS_CODEC,
        BlockPostingsWriter.VERSION,
        BlockPostingsWriter.VERSION,
        state.segmentInfo.getId(),
        state.segmentSuffix);
  }

  @Override
  public BlockTermState newTermState() {
    return new BlockTerm();
  }

  @Override
  public void decodeTerm(DataInput terms, FieldInfo field, BlockTermState state, boolean absolute)
      throws IOException {
    BlockTerm term = (BlockTerm) state;
    if (absolute) {
      term.clear();
    }
    term.read(terms);
  }

  @Override
  public PostingsEnum postings(
      FieldInfo field, BlockTermState state, @Nullable PostingsEnum reuse, int flags)
      throws IOException {
    BlockPostings postings =
        reuse instanceof BlockPostings before && before.source().isOf(checks)
            ? before
            : new BlockPostings(new BlockSource(checks, maxDocuments));
    return postings.reset((BlockTerm) state);
  }

  @Override
  public ImpactsEnum impacts(FieldInfo field, BlockTermState state, int flags) throws IOException {
    return new BlockPostings(new BlockSource(checks, maxDocuments)).reset((BlockTerm) state);
  }

  @Override
  public void checkIntegrity() throws IOException {
    CodecUtil.checksumEntireFile(in);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
