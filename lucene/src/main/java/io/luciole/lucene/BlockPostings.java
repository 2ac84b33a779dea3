package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.FreqAndNormBuffer;
import org.apache.lucene.index.Impacts;
import org.apache.lucene.index.ImpactsEnum;
import org.apache.lucene.util.ArrayUtil;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * The postings of a term in {@link BlockPostingsFormat}, by document: a list at once, chunks one at
 * a time. Its impacts are the largest frequency of a chunk and that of the term.
 */
final class BlockPostings extends ImpactsEnum {
  private final BlockSource source;
  private BlockTerm term = new BlockTerm();

  /** Null of a term without chunks, and until it is needed. */
  private @Nullable BlockDirectory directory;

  private @Nullable BlockChunk chunk;

  /** Whether the directory is at a chunk that is not decoded yet. */
  private boolean pending;

  /** Whether a shallow target is behind all chunks. */
  private boolean past;

  private int[] documents = new int[0];
  private int[] frequencies = new int[0];

  /** How many were decoded; none behind the current one while the directory is further on. */
  private int size;

  private int at;
  private int document;

  BlockPostings(BlockSource source) {
    this.source = source;
  }

  BlockPostings reset(BlockTerm of) {
    term = of.clone();
    directory = null;
    pending = false;
    past = false;
    size = 0;
    at = -1;
    document = -1;
    if (term.docFreq == 1) {
      ensure(1);
      documents[0] = term.document;
      frequencies[0] = term.max;
      size = 1;
    }
    return this;
  }

  private BlockDirectory directory() throws IOException {
    BlockDirectory chunks = directory;
    if (chunks == null) {
      ensure(BlockLayout.SUPER);
      chunks = source.directory(term);
      directory = chunks;
    }
    return chunks;
  }

  private void ensure(int length) {
    if (documents.length < length) {
      documents = new int[ArrayUtil.oversize(length, Integer.BYTES)];
      frequencies = new int[documents.length];
    }
  }

  BlockSource source() {
    return source;
  }

  BlockTerm term() {
    return term;
  }

  @Override
  public int docID() {
    return document;
  }

  @Override
  public int freq() {
    return frequencies[at];
  }

  @Override
  public int nextDoc() throws IOException {
    int next = at + 1;
    if (next < size) {
      at = next;
      document = documents[next];
      return document;
    }
    return advance(document + 1);
  }

  @Override
  public int advance(int target) throws IOException {
    if (term.chunks == 0) {
      if (size == 0) {
        ensure(term.docFreq);
        source.list(term, documents, frequencies);
        size = term.docFreq;
      }
    } else if (size == 0 || documents[size - 1] < target) {
      if (!decode(directory(), target)) {
        document = NO_MORE_DOCS;
        return document;
      }
    }
    return find(target);
  }

  /** Decodes the first chunk that has a document of the target or later; false if none has. */
  private boolean decode(BlockDirectory chunks, int target) throws IOException {
    int superblock = target >>> BlockLayout.SUPER_BITS;
    BlockChunk decoder = chunk == null ? new BlockChunk(source) : chunk;
    chunk = decoder;
    while (pending || chunks.next()) {
      pending = true;
      if (chunks.superblock() >= superblock) {
        decoder.open(chunks);
        int first = chunks.superblock() << BlockLayout.SUPER_BITS;
        size = decoder.decode(first, documents, frequencies);
        if (size == 0 || documents[size - 1] >= source.maxDocuments()) {
          throw source.corrupt("expected documents below " + source.maxDocuments());
        }
        at = -1;
        pending = false;
        if (documents[size - 1] >= target) {
          return true;
        }
      }
      pending = false;
    }
    return false;
  }

  /** Goes to the first decoded document of the target or later. */
  private int find(int target) {
    int low = at + 1;
    if (low < size && documents[low] >= target) {
      at = low;
      document = documents[low];
      return document;
    }
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (documents[middle] < target) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    at = low;
    document = low < size ? documents[low] : NO_MORE_DOCS;
    return document;
  }

  @Override
  public long cost() {
    return term.docFreq;
  }

  @Override
  public int nextPosition() {
    return -1;
  }

  @Override
  public int startOffset() {
    return -1;
  }

  @Override
  public int endOffset() {
    return -1;
  }

  @Override
  public @Nullable BytesRef getPayload() {
    return null;
  }

  /** Goes to the chunk that has the target or, if none has, to the one after. */
  @Override
  public void advanceShallow(int target) throws IOException {
    if (term.chunks > 0) {
      BlockDirectory chunks = directory();
      int superblock = target >>> BlockLayout.SUPER_BITS;
      while (chunks.superblock() < superblock) {
        if (!chunks.next()) {
          past = true;
          return;
        }
        pending = true;
        size = at + 1;
      }
    }
  }

  @Override
  public Impacts getImpacts() {
    return new Impacts() {
      private final FreqAndNormBuffer buffer = new FreqAndNormBuffer();

      @Override
      public int numLevels() {
        return term.chunks == 0 ? 1 : 2;
      }

      @Override
      public int getDocIdUpTo(int level) {
        BlockDirectory chunks = directory;
        return past || level == 1 || chunks == null || chunks.superblock() < 0
            ? NO_MORE_DOCS
            : chunks.end();
      }

      @Override
      public FreqAndNormBuffer getImpacts(int level) {
        BlockDirectory chunks = directory;
        buffer.size = 0;
        buffer.growNoCopy(1);
        buffer.add(
            level == 1 || chunks == null || chunks.superblock() < 0 ? term.max : chunks.max(), 1);
        return buffer;
      }
    };
  }
}
