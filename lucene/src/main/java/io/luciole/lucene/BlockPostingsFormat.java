package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.codecs.FieldsConsumer;
import org.apache.lucene.codecs.FieldsProducer;
import org.apache.lucene.codecs.PostingsFormat;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SegmentWriteState;

/**
 * Postings in blocks of documents, each with the largest frequency of each term, so that the best
 * documents by sparse weights are found without looking at most of the others: {@link
 * SparseForm#BLOCKS} writes by it, and {@link VectorQueries#sparse(io.luciole.SparseVector, int,
 * org.apache.lucene.search.Query)} searches by it.
 *
 * <p>For fields with documents and frequencies ({@link
 * org.apache.lucene.index.IndexOptions#DOCS_AND_FREQS}); another is refused when it is written. All
 * queries of Lucene's work on them. Terms are kept as in Lucene's own format. Lucene finds this
 * class by the name {@value #NAME} in the index, so whatever reads or merges such an index needs
 * this module on its class path.
 *
 * <p>The blocks of Lucene's format follow the postings of each term, those of this the documents:
 * the same documents make a block for all terms, as in Mallia, Suel and Tonellotto, "Faster Learned
 * Sparse Retrieval with Block-Max Pruning" (arXiv 2405.01117), here on two levels as in Carlson et
 * al., "Dynamic Superblock Pruning for Fast Learned Sparse Retrieval" (arXiv 2504.17045).
 *
 * <p>The postings are in one file, {@code .lbp}, which has the header and the checksum of all of
 * Lucene's index files. Beside that checksum, which Lucene compares when it merges or checks an
 * index, each part has one of its own, which is compared whenever it is read: a search over damaged
 * postings fails with a {@link org.apache.lucene.index.CorruptIndexException}.
 */
public final class BlockPostingsFormat extends PostingsFormat {
  /** The name of this format in an index. */
  public static final String NAME = "LucioleBlocks1";

  /** Creates the format; Lucene does so when it reads an index. */
  public BlockPostingsFormat() {
    super(NAME);
  }

  @Override
  public FieldsConsumer fieldsConsumer(SegmentWriteState state) throws IOException {
    return LuceneFormats.blocks(state);
  }

  @Override
  public FieldsProducer fieldsProducer(SegmentReadState state) throws IOException {
    return LuceneFormats.blocks(state);
  }
}
