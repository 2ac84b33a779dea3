package io.luciole.server;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.IndexListener;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.WriteOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/**
 * The index that is served, if one is configured. A document that is put is found within a second,
 * and is durable from the next commit on: one that is asked for, one every few minutes ({@link
 * WriteOptions#commitEvery}), and the last one. Safe for use by many threads.
 */
final class SearchIndex implements AutoCloseable {
  private static final long REFRESH_NANOS = Duration.ofSeconds(1).toNanos();

  private final @Nullable Path path;
  private final @Nullable HybridIndexer indexer;
  private final @Nullable HybridSearcher searcher;
  private final AtomicBoolean changed = new AtomicBoolean();
  private final AtomicLong refreshed = new AtomicLong(System.nanoTime());

  /**
   * Opens the configured index for search and writing, or creates it.
   *
   * @throws ConfigException if a form of sparse weights is configured that the model does not give
   * @throws io.luciole.lucene.IndexException if it is another model's, or another process writes it
   */
  @Inject
  SearchIndex(ServerConfig config, EmbeddingEngine engine) {
    path = config.index().orElse(null);
    if (path == null) {
      indexer = null;
      searcher = null;
      return;
    }
    WriteOptions options =
        WriteOptions.defaults().onFailure(WriteOptions.OnFailure.SKIP).resume(false);
    HybridSchema schema = schema(config, engine);
    if (schema != null) {
      options = options.schema(schema);
    }
    HybridIndexer opened = HybridIndexer.open(path, engine, options);
    try {
      // Makes a new index readable at once, not only after the first document's commit.
      opened.commit();
      searcher = HybridSearcher.open(opened, engine);
      indexer = opened;
    } catch (Throwable t) {
      opened.close();
      throw t;
    }
  }

  /** The schema that the configuration asks for; null if it leaves it to the index. */
  private static @Nullable HybridSchema schema(ServerConfig config, EmbeddingEngine engine) {
    SparseForm form = config.sparseForm().orElse(null);
    if (form == null && config.metadata().isEmpty()) {
      return null;
    }
    SchemaBuilder schema = HybridSchema.builder(engine);
    config.metadata().forEach(schema::metadata);
    if (form == null) {
      return schema.build();
    }
    if (!engine.outputs().contains(Output.SPARSE)) {
      throw new ConfigException(
          "The model "
              + engine.modelName()
              + " gives no sparse weights, so an index cannot keep them as "
              + form.id()
              + ": leave luciole.server.sparse-form out, or serve another model.");
    }
    return schema.sparseForm(form).build();
  }

  private static <T> T required(@Nullable T part) {
    if (part == null) {
      throw new Problem(
          404, "no_index", "This server has no index: start it with luciole serve --index FOLDER.");
    }
    return part;
  }

  HybridSearcher searcher() {
    return required(searcher);
  }

  /** Adds a listener to the index; does nothing if there is none. */
  void addListener(IndexListener listener) {
    if (searcher != null && indexer != null) {
      searcher.addListener(listener);
      indexer.addListener(listener);
    }
  }

  SearchResult search(HybridQuery query) {
    HybridSearcher open = required(searcher);
    refreshIfDue(open);
    return open.search(query);
  }

  private void refreshIfDue(HybridSearcher open) {
    long last = refreshed.get();
    long now = System.nanoTime();
    if (changed.get() && now - last >= REFRESH_NANOS && refreshed.compareAndSet(last, now)) {
      changed.set(false);
      boolean unused = open.refresh();
    }
  }

  /** Puts a document. Blocks while too many wait; the future completes when it is written. */
  CompletableFuture<Boolean> put(SourceDocument document) {
    CompletableFuture<Boolean> written = required(indexer).put(document);
    return written.whenComplete((replaced, failed) -> changed.set(true));
  }

  /** Deletes a document; tells whether there was one. */
  boolean delete(String id) {
    boolean there = required(indexer).delete(id);
    changed.set(true);
    return there;
  }

  /** Deletes the documents that match a filter, once all that wait are written. */
  long delete(Query filter) {
    long deleted = required(indexer).delete(filter);
    changed.set(true);
    return deleted;
  }

  /** Makes everything that was put or deleted so far durable and visible. */
  void commit() {
    required(indexer).commit();
    changed.set(false);
    refreshed.set(System.nanoTime());
    boolean unused = requireNonNull(searcher).refresh();
  }

  /** The number of documents that searches see, for meters. */
  int documents() {
    return required(searcher).documents();
  }

  /** The number of segments that searches see, for meters. */
  int segments() {
    return required(searcher).withSearcher(of -> of.getIndexReader().leaves().size());
  }

  /** Whether there are changes since the last commit, as 1 or 0, for meters. */
  int uncommitted() {
    return required(indexer).hasUncommittedChanges() ? 1 : 0;
  }

  /** Whether there is an index. */
  boolean isOpen() {
    return searcher != null;
  }

  /** Adds a description of the index to an object. */
  void describe(ObjectNode root) {
    if (path == null || searcher == null || indexer == null) {
      root.putNull("index");
      return;
    }
    refreshIfDue(searcher);
    IndexDescription of = IndexDescription.read(path);
    ObjectNode index = root.putObject("index");
    index
        .put("documents", searcher.documents())
        .put("committed_documents", of.documents())
        .put("passages", of.passages())
        .put("deleted", of.deleted())
        .put("segments", of.segments())
        .put("bytes", of.bytes())
        .put("uncommitted", indexer.hasUncommittedChanges())
        .put("model", of.fingerprint().brief())
        .put("analyzer", of.schema().words().analyzer());
    searcher.legs().stream().map(Leg::id).forEach(index.putArray("legs")::add);
    ObjectNode parts = index.putObject("bytes_by_field");
    of.parts().forEach(parts::put);
    ObjectNode fields = index.putObject("metadata");
    of.schema().metadata().forEach((name, type) -> fields.put(name, type.id()));
  }

  /** Commits what is not committed yet, and closes the index. */
  @Override
  public void close() {
    if (indexer == null || searcher == null) {
      return;
    }
    try {
      searcher.close();
    } finally {
      indexer.close();
    }
  }
}
