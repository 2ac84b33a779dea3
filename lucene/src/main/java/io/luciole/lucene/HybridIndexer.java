package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.model.Chunker.Chunk;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.lucene.search.Query;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * Embeds documents and writes them into an index.
 *
 * <p>What is written is durable from the next commit on: {@link #commit}, the one with which {@link
 * #indexAll} ends, one after each {@link WriteOptions#commitEvery}, and the one of {@link #close}.
 * {@link #rollback} closes without a commit. After a failure that ends the indexer, such as a full
 * disk or a run of {@link #indexAll} that failed, the index stands as of its last commit. A new
 * index that was never committed leaves no folder behind.
 *
 * <p>The way of a document: the caller's thread hands its text to the engine and returns; the
 * engine batches texts and embeds them; a writer thread takes the embedding and writes the
 * document. Documents with the same id are written and deleted in the order of the calls, others in
 * any order.
 *
 * <p>Safe for use by many threads; {@link #indexAll} may run once at a time. Methods that wait for
 * pending documents must not be called by a stage of a future of {@link #put(SourceDocument)} that
 * runs on the thread which completes it.
 */
public final class HybridIndexer implements AutoCloseable {
  private final IndexingSession session;

  private HybridIndexer(IndexingSession session) {
    this.session = session;
  }

  /**
   * Opens an index for writing, or makes one, with the default options.
   *
   * @param index the folder of the index
   * @param engine the engine that embeds the documents; it stays the caller's to close, after the
   *     indexer
   * @return the indexer
   * @throws IndexException as {@link #open(Path, EmbeddingEngine, WriteOptions)}
   */
  public static HybridIndexer open(Path index, EmbeddingEngine engine) {
    return open(index, engine, WriteOptions.defaults());
  }

  /**
   * Opens an index for writing, or makes one.
   *
   * @param index the folder of the index
   * @param engine the engine that embeds the documents; it stays the caller's to close, after the
   *     indexer
   * @param options how to write
   * @return the indexer
   * @throws IndexException if the folder holds something else, vectors of another model, another
   *     schema, or an index that is newer or damaged, or if another process writes to it
   * @throws IllegalArgumentException if {@link WriteOptions#writerConfig} sets what it may not
   */
  public static HybridIndexer open(Path index, EmbeddingEngine engine, WriteOptions options) {
    requireNonNull(index, "index");
    requireNonNull(engine, "engine");
    requireNonNull(options, "options");
    return open(IndexFolder.open(index), engine, options);
  }

  /**
   * Opens an index in a Lucene directory. Else as {@link #open(Path, EmbeddingEngine,
   * WriteOptions)}.
   *
   * @param index the directory; it stays the caller's to close, after the indexer
   * @param engine the engine that embeds the documents; it stays the caller's to close, after the
   *     indexer
   * @param options how to write
   * @return the indexer
   * @throws IndexException as {@link #open(Path, EmbeddingEngine, WriteOptions)}
   * @throws IllegalArgumentException as {@link #open(Path, EmbeddingEngine, WriteOptions)}
   */
  public static HybridIndexer open(Directory index, EmbeddingEngine engine, WriteOptions options) {
    requireNonNull(index, "index");
    requireNonNull(engine, "engine");
    requireNonNull(options, "options");
    return open(IndexFolder.of(index), engine, options);
  }

  /**
   * Opens an index for documents whose vectors are made elsewhere, without an engine: the indexer
   * takes {@link #put(SourceDocument, Embedding)} and {@link #put(SourceDocument, List, List)}
   * only.
   *
   * @param index the folder of the index
   * @param model the model that makes the vectors
   * @param options how to write; a new index needs a {@linkplain WriteOptions#schema schema}
   * @return the indexer
   * @throws IndexException as {@link #open(Path, EmbeddingEngine, WriteOptions)}, or if a new index
   *     has no schema
   * @throws IllegalArgumentException as {@link #open(Path, EmbeddingEngine, WriteOptions)}
   */
  public static HybridIndexer open(Path index, ModelFingerprint model, WriteOptions options) {
    requireNonNull(index, "index");
    requireNonNull(model, "model");
    requireNonNull(options, "options");
    return open(IndexFolder.open(index), model, null, options);
  }

  /**
   * Opens an index in a Lucene directory for documents whose vectors are made elsewhere. Else as
   * {@link #open(Path, ModelFingerprint, WriteOptions)}.
   *
   * @param index the directory; it stays the caller's to close, after the indexer
   * @param model the model that makes the vectors
   * @param options how to write; a new index needs a {@linkplain WriteOptions#schema schema}
   * @return the indexer
   * @throws IndexException as {@link #open(Path, ModelFingerprint, WriteOptions)}
   * @throws IllegalArgumentException as {@link #open(Path, EmbeddingEngine, WriteOptions)}
   */
  public static HybridIndexer open(Directory index, ModelFingerprint model, WriteOptions options) {
    requireNonNull(index, "index");
    requireNonNull(model, "model");
    requireNonNull(options, "options");
    return open(IndexFolder.of(index), model, null, options);
  }

  /** As {@link #open(Path, EmbeddingEngine, WriteOptions)}, in a folder that is open. */
  static HybridIndexer open(IndexFolder folder, EmbeddingEngine engine, WriteOptions options) {
    return open(folder, engine.fingerprint(), engine, options);
  }

  private static HybridIndexer open(
      IndexFolder folder,
      ModelFingerprint model,
      @Nullable EmbeddingEngine engine,
      WriteOptions options) {
    try {
      HybridSchema schema = folder.openWriter(model, engine, options);
      return new HybridIndexer(new IndexingSession(folder, engine, schema, options));
    } catch (Throwable t) {
      folder.rollback();
      throw t;
    }
  }

  /**
   * Adds a listener for documents and commits.
   *
   * @param listener is told of each from now on
   */
  public void addListener(IndexListener listener) {
    session.listeners().add(listener);
  }

  /** {@return the schema of the index} */
  public HybridSchema schema() {
    return session.schema();
  }

  /**
   * Embeds and writes all documents of a source and commits. Blocks until then. Documents that fail
   * are reported; {@link WriteOptions#onFailure} tells whether the run goes on.
   *
   * <p>If an earlier run over the same source in the same state was interrupted, the documents that
   * it committed are skipped ({@link WriteOptions#resume}).
   *
   * @param source the documents; the source stays the caller's to close
   * @param progress called now and then, and at the end, on the calling thread
   * @return what was done
   * @throws IndexException if the index cannot be written, if a document failed and the policy is
   *     to stop, or if all failed; the index stands as of its last commit, and this indexer can
   *     only be closed. So it is if the source or {@code progress} throws.
   * @throws IllegalStateException if this method is running already, or the indexer is closed or
   *     has no engine
   */
  public IndexingReport indexAll(DocumentSource source, Consumer<IndexingProgress> progress) {
    requireNonNull(source, "source");
    requireNonNull(progress, "progress");
    return session.run(source, progress);
  }

  /**
   * Embeds and writes all documents of an iterator. Else as {@link #indexAll(DocumentSource,
   * Consumer)}.
   *
   * @param documents the documents
   * @param progress called now and then, and at the end, on the calling thread
   * @return what was done
   * @throws IndexException as {@link #indexAll(DocumentSource, Consumer)}
   */
  public IndexingReport indexAll(
      Iterator<SourceDocument> documents, Consumer<IndexingProgress> progress) {
    return indexAll(DocumentSource.of("documents", documents), progress);
  }

  /**
   * Embeds and writes a document; it replaces a document with the same id. Blocks only while too
   * many documents are pending.
   *
   * @param document the document
   * @return completes when the document is written, but not yet committed: true if it replaced one.
   *     Fails with what was wrong with the document, or with an {@link IndexException} if the index
   *     can no longer be written
   * @throws IllegalStateException if this indexer is closed or has no engine
   */
  public CompletableFuture<Boolean> put(SourceDocument document) {
    return session.put(requireNonNull(document, "document"));
  }

  /**
   * Writes a document whose vectors were made elsewhere, by the same model. Else as {@link
   * #put(SourceDocument)}.
   *
   * @param document the document
   * @param embedding holds at least the schema's {@link HybridSchema#outputs}
   * @return as {@link #put(SourceDocument)}
   * @throws IllegalArgumentException if the schema cuts texts into passages
   * @throws IllegalStateException if this indexer is closed
   */
  public CompletableFuture<Boolean> put(SourceDocument document, Embedding embedding) {
    requireNonNull(document, "document");
    requireNonNull(embedding, "embedding");
    if (schema().chunks().isPresent()) {
      throw new IllegalArgumentException(
          "expected no vectors of a whole text: the index cuts texts into passages");
    }
    return session.put(document, new DocumentEmbedder.Embedded(List.of(), List.of(embedding)));
  }

  /**
   * Writes a document whose passages and their vectors were made elsewhere, by the same model. Else
   * as {@link #put(SourceDocument)}.
   *
   * @param document the document
   * @param passages where the passages stand in its text, without its title; at least one
   * @param embeddings one for each passage, holding at least the schema's {@link
   *     HybridSchema#outputs}
   * @return as {@link #put(SourceDocument)}
   * @throws IllegalArgumentException if the schema keeps texts whole, or there is not one embedding
   *     for each passage
   * @throws IllegalStateException if this indexer is closed
   */
  public CompletableFuture<Boolean> put(
      SourceDocument document, List<Chunk> passages, List<Embedding> embeddings) {
    requireNonNull(document, "document");
    if (schema().chunks().isEmpty()) {
      throw new IllegalArgumentException("expected no passages: the index keeps texts whole");
    }
    if (passages.isEmpty() || passages.size() != embeddings.size()) {
      throw new IllegalArgumentException(
          "expected passages and an embedding for each, got "
              + passages.size()
              + " passages and "
              + embeddings.size()
              + " embeddings");
    }
    return session.put(
        document, new DocumentEmbedder.Embedded(List.copyOf(passages), List.copyOf(embeddings)));
  }

  /**
   * Deletes the document with an id, if there is one. If one is pending, waits until it is written.
   *
   * @param id the id
   * @return whether there was one
   * @throws IndexException if the index cannot be written
   */
  public boolean delete(String id) {
    return session.delete(List.of(id)) == 1;
  }

  /**
   * Deletes the documents with some ids, as {@link #delete(String)} does one after the other.
   *
   * @param ids the ids
   * @return how many documents there were
   * @throws IndexException if the index cannot be written
   */
  public long delete(Collection<String> ids) {
    return session.delete(List.copyOf(ids));
  }

  /**
   * Deletes the documents that match a query, with their passages. Waits until no document is
   * pending: what was put before this call is deleted if it matches, what is put after it is not.
   *
   * @param query asks for whole documents by any of their fields, such as {@link
   *     HybridQuery#metadata}
   * @return how many documents there were
   * @throws IndexException if the index cannot be written
   * @throws UncheckedIOException if the query throws an {@link java.io.IOException} that is no sign
   *     of a damaged index; as all else that it throws, it leaves this indexer in use
   */
  public long delete(Query query) {
    requireNonNull(query, "query");
    return session.alone(() -> session.documents().delete(query));
  }

  /**
   * Adds the documents of other indexes, without embedding them again, and refuses ids that more
   * than one index has. Else as {@link #addIndexes(List, DuplicateIds)}.
   *
   * @param indexes the folders of the indexes
   * @return what was added
   * @throws IndexException as {@link #addIndexes(List, DuplicateIds)}
   */
  public AddedIndexes addIndexes(List<Path> indexes) {
    return addIndexes(indexes, DuplicateIds.REFUSE);
  }

  /**
   * Adds the documents of other indexes as of their last commits, without embedding them again;
   * these indexes stay as they are. They must have this index's model, schema, fields, index sort,
   * soft-deletes field and parent field, must have been made by the same major version of Lucene,
   * and nobody may write to them. Their files are compared with their checksums before anything is
   * added, so each is read twice. Waits until no document is pending, and keeps others waiting.
   * What is added is durable from the next commit on; positions in sources are not taken over.
   *
   * @param indexes the folders of the indexes
   * @param duplicates whose document stays if several indexes have an id
   * @return what was added
   * @throws IndexException if an index cannot be read, is of another model or schema, does not fit
   *     what this index is written with, is being written, or has an id that is refused, which the
   *     message names: nothing has changed then, and this indexer goes on; or if this index cannot
   *     be written
   */
  public AddedIndexes addIndexes(List<Path> indexes, DuplicateIds duplicates) {
    List<Directory> directories = new ArrayList<>();
    try {
      for (Path index : indexes) {
        directories.add(IndexFolder.existing(index));
      }
      return add(indexes, directories, duplicates);
    } catch (IOException e) {
      throw IndexProblems.unreadable(indexes, e);
    } finally {
      IOUtils.closeWhileHandlingException(directories);
    }
  }

  /**
   * Adds the documents of indexes in Lucene directories. Else as {@link #addIndexes(List,
   * DuplicateIds)}.
   *
   * @param duplicates whose document stays if several indexes have an id
   * @param indexes the directories; they stay the caller's to close
   * @return what was added
   * @throws IndexException as {@link #addIndexes(List, DuplicateIds)}
   */
  public AddedIndexes addIndexes(DuplicateIds duplicates, Directory... indexes) {
    List<Directory> directories = List.of(indexes);
    return add(directories.stream().map(IndexProblems::place).toList(), directories, duplicates);
  }

  private AddedIndexes add(List<?> places, List<Directory> directories, DuplicateIds duplicates) {
    requireNonNull(duplicates, "duplicates");
    return session.alone(() ->
        new IndexAddition(session.folder(), schema(), session.documents())
            .add(places, directories, duplicates, session::fail));
  }

  /** {@return whether documents were written, deleted or added since the last commit} */
  public boolean hasUncommittedChanges() {
    return uncommittedChanges() > 0;
  }

  /** {@return how many documents were written, deleted or added since the last commit} */
  public long uncommittedChanges() {
    return session.documents().changes().uncommitted();
  }

  /**
   * Tells when everything that was written, deleted or added so far is durable, which the next
   * commit makes it, whoever starts it. For a document, call it when its {@link
   * #put(SourceDocument)} has completed.
   *
   * @return completes then, on the thread that commits, or at once if nothing is to be committed;
   *     fails with an {@link IndexException} if a commit fails, the indexer fails or is closed
   *     before
   */
  public CompletableFuture<Void> whenCommitted() {
    return session.documents().changes().whenCommitted();
  }

  /**
   * Tells why nothing can be written any more, if that is so: after a full disk, a failure to read
   * or write files, or a run of {@link #indexAll} that failed. This indexer can then only be
   * closed; {@link LiveIndex} opens another.
   *
   * @return the reason, empty while the indexer can be used and after it was closed in order
   */
  public Optional<IndexException> failure() {
    return session.failure();
  }

  /**
   * Waits until no document is pending and makes everything so far durable.
   *
   * @throws IndexException if it cannot be written; the index stands as of its last commit
   */
  public void commit() {
    session.commit(session.position(), false);
  }

  /**
   * Merges everything into one segment, then does as {@link #commit()}: for bulk loads by {@link
   * #put(SourceDocument)}. {@link #indexAll} ends a bulk load with it.
   */
  public void commitMerged() {
    session.commit(session.position(), true);
  }

  /**
   * Starts a commit of what is written, without waiting for documents that are pending. It runs on
   * a thread of its own: a caller that is interrupted would make Lucene's writer fail.
   */
  CompletableFuture<Void> commitWritten() {
    CompletableFuture<Void> committed = whenCommitted();
    session.commitSoon();
    return committed;
  }

  IndexFolder folder() {
    return session.folder();
  }

  /**
   * Waits until no document is pending, commits what is not committed yet, and releases the index.
   * Does not commit if {@link WriteOptions#commitOnClose} says so, after a failure that ended this
   * indexer, or while {@link #indexAll} is running; then it logs how many documents it dropped,
   * unless the failure was thrown. After a failure, documents that are pending are not waited for:
   * their futures fail with an {@link IndexException}. A second call does nothing.
   *
   * @throws IndexException if what is not committed cannot be written, or if files cannot be closed
   *     or removed
   */
  @Override
  public void close() {
    Uninterrupted.run(() -> session.close(session.options().commitOnClose(), true));
  }

  /**
   * Discards what was not committed, and releases the index. Documents that are pending are not
   * waited for: their futures fail with an {@link IndexException}. After {@link #close} it does
   * nothing.
   *
   * @throws IndexException if files cannot be closed or removed
   */
  public void rollback() {
    Uninterrupted.run(() -> session.close(false, false));
  }
}
