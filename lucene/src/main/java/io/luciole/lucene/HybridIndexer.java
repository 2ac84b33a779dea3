package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Embeds documents and writes them into an index.
 *
 * <p>Nothing is kept until {@link #commit} (which {@link #indexAll} ends with): {@link #close}
 * takes back what came after the last commit, and a new index that was never committed leaves no
 * folder behind.
 */
public final class HybridIndexer implements AutoCloseable {
  private HybridIndexer() {}

  /** Opens an index for writing, or makes one, with the defaults. */
  public static HybridIndexer open(Path index, EmbeddingEngine engine) {
    return open(index, engine, IndexOptions.defaults());
  }

  /**
   * Opens an index for writing, or makes one.
   *
   * @throws IndexException if the folder holds something else, another model's vectors, a newer
   *     schema, a damaged index, or another process writes to it
   */
  public static HybridIndexer open(Path index, EmbeddingEngine engine, IndexOptions options) {
    return NotYet.built();
  }

  /**
   * Embeds and writes all documents of a source and commits. Blocks until then. Call it from one
   * thread at a time.
   *
   * @param progress called now and then, and at the end, on the calling thread
   * @throws IndexException if the index cannot be written; it stands as of its last commit
   * @throws io.luciole.LucioleException a document's failure, if the policy is to stop
   */
  public IndexingReport indexAll(DocumentSource source, Consumer<IndexingProgress> progress) {
    return NotYet.built();
  }

  /** As {@link #indexAll(DocumentSource, Consumer)}, from an iterator. */
  public IndexingReport indexAll(
      Iterator<SourceDocument> documents, Consumer<IndexingProgress> progress) {
    return indexAll(DocumentSource.of("documents", documents), progress);
  }

  /**
   * Embeds and writes a document, replacing one of the same id. Blocks only while too many
   * documents are under way.
   *
   * @return completes when the document is written, not yet committed; true if it replaced one
   */
  public CompletableFuture<Boolean> put(SourceDocument document) {
    return NotYet.built();
  }

  /** Deletes the document of an id, if there is one. */
  public void delete(String id) {
    NotYet.<Object>built();
  }

  /** Waits for the documents under way and makes everything so far durable. */
  public void commit() {
    NotYet.<Object>built();
  }

  /** Takes back what was not committed and gives the folder free. Closing twice does nothing. */
  @Override
  public void close() {
    NotYet.<Object>built();
  }
}
