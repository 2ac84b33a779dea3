package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.model.Chunker.Chunk;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/** Embeds documents, whole or cut into passages, as a schema says. Safe for use by many threads. */
final class DocumentEmbedder {
  private final EmbeddingEngine engine;
  private final HybridSchema schema;
  private final EmbedOptions options;
  private final Executor threads;

  /** The texts that the engine has. */
  private final Set<CompletableFuture<Embedding>> asked = ConcurrentHashMap.newKeySet();

  private volatile boolean abandoned;

  /**
   * The vectors of a document.
   *
   * @param passages where its passages stand in its text; empty where texts are kept whole
   * @param embeddings one for each passage; where texts are kept whole, one for the text
   */
  record Embedded(List<Chunk> passages, List<Embedding> embeddings) {}

  /**
   * Creates an embedder.
   *
   * @param threads cut texts into passages
   */
  DocumentEmbedder(EmbeddingEngine engine, HybridSchema schema, Executor threads) {
    this.engine = engine;
    this.schema = schema;
    this.threads = threads;
    this.options =
        schema.outputs().isEmpty()
            ? EmbedOptions.passage()
            : EmbedOptions.passage().outputs(schema.outputs());
  }

  /** Starts to embed a document; does not wait for the engine. */
  CompletableFuture<Embedded> embed(SourceDocument document, IndexingTimes times) {
    HybridSchema.Chunks chunks = schema.chunks().orElse(null);
    if (chunks == null) {
      return embed(document.content(), times).thenApply(e -> new Embedded(List.of(), List.of(e)));
    }
    // Cutting tokenizes the text, so it does not run on the caller's thread.
    return CompletableFuture.supplyAsync(() -> Passages.cut(document, engine, chunks), threads)
        .thenCompose(passages -> embed(passages, times));
  }

  private CompletableFuture<Embedded> embed(Passages passages, IndexingTimes times) {
    List<CompletableFuture<Embedding>> all =
        passages.contents().stream().map(text -> embed(text, times)).toList();
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new))
        .thenApply(done ->
            new Embedded(passages.chunks(), all.stream().map(CompletableFuture::join).toList()));
  }

  @SuppressWarnings("CollectionUndefinedEquality") // A future equals itself alone, as is meant.
  private CompletableFuture<Embedding> embed(String text, IndexingTimes times) {
    if (schema.outputs().isEmpty()) {
      return CompletableFuture.completedFuture(Embedding.absent());
    }
    times.embeddingStarts();
    CompletableFuture<Embedding> embedding = ask(text);
    asked.add(embedding);
    if (abandoned) {
      embedding.cancel(false);
    }
    return embedding.whenComplete((done, failed) -> {
      asked.remove(embedding);
      times.embeddingEnds();
    });
  }

  private CompletableFuture<Embedding> ask(String text) {
    try {
      return engine.embed(text, options);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Takes back the texts that the engine has not embedded yet, and those that come later: their
   * documents fail with a {@link java.util.concurrent.CancellationException}.
   */
  void abandon() {
    abandoned = true;
    asked.forEach(embedding -> embedding.cancel(false));
  }
}
