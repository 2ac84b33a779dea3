package io.luciole.lucene;

import io.luciole.internal.Surrogates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Collectors;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.BytesRefHash;
import org.jspecify.annotations.Nullable;

/**
 * Writes documents and deletes them, with Lucene's writer, and knows which there are. Safe for use
 * by many threads, each id by one at a time.
 */
final class DocumentWriter {
  /** How the message of Lucene's exception begins where an index would have too many documents. */
  private static final String TOO_MANY = "number of documents in the index cannot exceed";

  private final IndexWriter writer;
  private final HybridSchema schema;
  private final DocumentFields fields;
  private final OwnFields ownFields;
  private final KnownIds ids;

  /**
   * Shared by whoever changes a document and notes it in {@link #ids}; held alone where these start
   * again from a reader, which then has every change that they noted.
   */
  private final ReadWriteLock noting = new ReentrantReadWriteLock();

  private final ModelStamp stamp;
  private final @Nullable String softDeletes;
  private final ChangeCount changes = new ChangeCount();

  DocumentWriter(IndexFolder folder, HybridSchema schema, WriteOptions options) {
    this.writer = folder.writer();
    this.schema = schema;
    this.fields = new DocumentFields(schema);
    this.ownFields = new OwnFields(options.fields(), writer.getConfig());
    this.ids = folder.ids();
    this.stamp = folder.stamp();
    this.softDeletes = writer.getConfig().getSoftDeletesField();
  }

  /** What was written, deleted and added. */
  ChangeCount changes() {
    return changes;
  }

  /**
   * Writes a document.
   *
   * @return whether it replaced one
   * @throws IllegalArgumentException if the document cannot be written; nothing has changed then
   * @throws OwnFailure if the application's fields cannot be added or read; nothing has changed
   *     then
   * @throws IndexException if the index has as many documents as Lucene allows; nothing has changed
   *     then either
   */
  boolean write(SourceDocument document, DocumentEmbedder.Embedded embedded) throws IOException {
    List<Document> block = block(document, embedded);
    noting.readLock().lock();
    try {
      return write(document.id(), block);
    } catch (IllegalArgumentException e) {
      throw isFull(e) ? full(e, block.size()) : explained(e, block);
    } finally {
      noting.readLock().unlock();
    }
  }

  private boolean write(String id, List<Document> block) throws IOException {
    boolean known = ids.mayHave(id);
    boolean replaces = known && !ids.isDeleted(id);
    boolean written = false;
    try {
      if (known) {
        replace(DocumentIds.term(id), block);
      } else {
        writer.addDocuments(block);
      }
      written = true;
    } catch (IOException e) {
      // A failure of Lucene's own files would have closed the writer.
      if (isUsable()) {
        throw new OwnFailure(e);
      }
      throw e;
    } finally {
      if (!written && !replaces) {
        ids.doubt(id);
      }
    }
    stamp.wrote();
    ids.write(id);
    changes.add(1);
    return replaces;
  }

  private List<Document> block(SourceDocument document, DocumentEmbedder.Embedded embedded) {
    List<Document> block =
        schema.chunks().isEmpty()
            ? List.of(fields.toDocument(document, embedded.embeddings().get(0)))
            : fields.toBlock(document, embedded.passages(), embedded.embeddings());
    ownFields.addTo(document, block.get(block.size() - 1));
    return block;
  }

  private boolean isUsable() {
    return writer.isOpen() && writer.getTragicException() == null;
  }

  private void replace(Term id, List<Document> block) throws IOException {
    if (softDeletes == null) {
      writer.updateDocuments(id, block);
    } else {
      writer.softUpdateDocuments(id, block, deletionMark(softDeletes));
    }
  }

  private static NumericDocValuesField deletionMark(String field) {
    return new NumericDocValuesField(field, 1);
  }

  /** Whether Lucene's limit is reached, of which its exception alone tells by its message. */
  private static boolean isFull(IllegalArgumentException failure) {
    return String.valueOf(failure.getMessage()).startsWith(TOO_MANY);
  }

  /** That is no fault of the document's. */
  private IndexException full(IllegalArgumentException failure, int added) {
    return new IndexException(
        "The index has room for no further document: one of Lucene's holds "
            + IndexWriter.MAX_DOCS
            + " at most, passages and deleted ones that no merge has removed included; it has "
            + writer.getPendingNumDocs()
            + ", and this document needs "
            + added
            + ". Delete documents, or put others into another index.",
        failure);
  }

  /** Says which field's value is too long for a term, without the value. */
  private static IllegalArgumentException explained(
      IllegalArgumentException failure, List<Document> block) {
    if (failure.getCause() instanceof BytesRefHash.MaxBytesLengthExceededException) {
      for (IndexableField field : block.get(block.size() - 1)) {
        BytesRef value = field.binaryValue();
        if (value != null && value.length > IndexWriter.MAX_TERM_LENGTH) {
          return new IllegalArgumentException(
              "expected at most "
                  + IndexWriter.MAX_TERM_LENGTH
                  + " bytes in the field \""
                  + field.name()
                  + "\", whose values are matched whole, got "
                  + value.length
                  + ": shorten the value, or keep it in a field of another type",
              failure);
        }
      }
    }
    return failure;
  }

  /** Deletes the document of an id; tells whether there was one. */
  boolean delete(String id) throws IOException {
    noting.readLock().lock();
    try {
      boolean there = Surrogates.halfAt(id) < 0 && ids.delete(id);
      if (there) {
        delete(DocumentIds.term(id));
        changes.add(1);
      }
      return there;
    } finally {
      noting.readLock().unlock();
    }
  }

  private void delete(Term id) throws IOException {
    if (softDeletes == null) {
      writer.deleteDocuments(id);
    } else {
      writer.updateDocValues(id, deletionMark(softDeletes));
    }
  }

  /** Deletes documents by their ids. */
  void delete(Collection<BytesRef> documents) throws IOException {
    for (BytesRef id : documents) {
      boolean unused = delete(id.utf8ToString());
    }
  }

  /**
   * Deletes the documents that match, with their passages, while nothing else is written.
   *
   * @return how many there were
   * @throws OwnFailure if the query fails; nothing has changed then
   */
  long delete(Query query) throws IOException {
    List<String> matching;
    try (DirectoryReader reader = DirectoryReader.open(writer)) {
      try {
        matching = matching(reader, query);
      } catch (IOException e) {
        if (isUsable() && !IndexProblems.isSignOfDamage(e)) {
          throw new OwnFailure(e);
        }
        throw e;
      } catch (AlreadyClosedException e) {
        throw isUsable() ? new OwnFailure(e) : e;
      }
    }
    for (String id : matching) {
      boolean unused = delete(id);
    }
    return matching.size();
  }

  private List<String> matching(DirectoryReader reader, Query query) throws IOException {
    IndexSearcher searcher = new IndexSearcher(reader);
    searcher.setQueryCache(null);
    searcher.setSimilarity(WriterConfigs.similarity(schema));
    Query whole =
        new BooleanQuery.Builder()
            .add(query, Occur.FILTER)
            .add(LegQueries.all(schema), Occur.FILTER)
            .build();
    List<String> matching = new ArrayList<>();
    LiveReader.visit(
        searcher,
        whole,
        leaf -> {
          DocumentIds ids = DocumentIds.open(leaf, SchemaFields.ID);
          return doc -> {
            String id = ids.of(doc);
            if (id != null) {
              matching.add(id);
            }
          };
        });
    return matching;
  }

  /**
   * Lets go of segments that are not in the last commit any more: their files take room on the disk
   * until nobody reads them. Called after a commit, when there is little for the new reader to
   * flush.
   */
  void releaseMerged() throws IOException {
    Set<String> current =
        SegmentInfos.readLatestCommit(writer.getDirectory()).asList().stream()
            .map(segment -> segment.info.name)
            .collect(Collectors.toSet());
    if (!current.containsAll(ids.segments())) {
      startFromNow();
    }
  }

  private void startFromNow() throws IOException {
    noting.writeLock().lock();
    try {
      ids.startFrom(DirectoryReader.open(writer));
    } finally {
      noting.writeLock().unlock();
    }
  }

  /** Notes that indexes were added, while nothing else is written. */
  void added(List<AddedIndex> indexes, long documents) throws IOException {
    indexes.forEach(index -> stamp.add(index.fingerprint()));
    startFromNow();
    changes.add(documents);
  }
}
