package io.luciole.langchain4j;

import static dev.langchain4j.internal.ValidationUtils.ensureNotEmpty;
import static dev.langchain4j.internal.ValidationUtils.ensureNotNull;
import static java.util.Objects.requireNonNull;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import dev.langchain4j.store.embedding.EmbeddingSearchResult;
import dev.langchain4j.store.embedding.EmbeddingStore;
import dev.langchain4j.store.embedding.filter.Filter;
import io.luciole.EmbedOptions;
import io.luciole.Embedded;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.MetadataFilters;
import io.luciole.lucene.WriteOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.jspecify.annotations.Nullable;

/**
 * A Lucene index as LangChain4j's {@code EmbeddingStore}, searched by dense vectors, sparse weights
 * and words at once.
 *
 * <pre>{@code
 * LucioleEmbeddingModel model = LucioleEmbeddingModel.of(engine);
 * try (LucioleEmbeddingStore store = LucioleEmbeddingStore.open(Path.of("index"), model)) {
 *   EmbeddingStoreIngestor.builder().embeddingModel(model).embeddingStore(store) …
 *   EmbeddingStoreContentRetriever.builder().embeddingModel(model).embeddingStore(store) …
 * }
 * }</pre>
 *
 * <p><b>Adding.</b> The dense vector that is handed over is stored as it is, or scaled to length 1
 * where the index compares by that. What the index keeps beside it is taken from what the model
 * computed in the same pass, or computed of the segment's text if the embedding is another one,
 * such as one that was made elsewhere. For an embedding that is null, everything is computed in one
 * pass. A vector without a text is found by its nearness alone; it has no words and no weights.
 * Adding blocks until documents are written and visible to searches. They are durable after {@link
 * #commit}, {@link #close}, and from time to time ({@link WriteOptions#commitEvery}).
 *
 * <p><b>Searching.</b> If the request has a {@code query}, as those of LangChain4j's content
 * retrievers have, all legs of the index search, and {@link Builder#queries} may change how:
 * fusion, weights, reranking. Matches come in the order of that search. Without a {@code query} the
 * nearest vectors are found.
 *
 * <p><b>Scores.</b> A match's score is LangChain4j's relevance score of the dense vectors, {@code
 * (1 + cosine) / 2}, exact and from 0 to 1, whichever leg found it; so {@code minScore} means what
 * it means in other stores. Since matches are ordered by the fusion of all legs, their scores need
 * not fall. A document without a dense vector has the score 0.
 *
 * <p><b>Metadata</b> can be filtered by with every {@link Filter} of LangChain4j, on any key; keys
 * that the schema declares ({@link io.luciole.lucene.SchemaBuilder#metadata}) are filtered faster.
 * Whole numbers come back as {@code Long}, others as {@code Double}, UUIDs as strings;
 * LangChain4j's typed getters read them all.
 *
 * <p>Safe for use by many threads.
 */
public final class LucioleEmbeddingStore implements EmbeddingStore<TextSegment>, AutoCloseable {
  private final LucioleEmbeddingModel model;
  private final HybridIndexer indexer;
  private final boolean ownsIndexer;
  private final HybridSearcher searcher;
  private final HybridSchema schema;
  private final UnaryOperator<HybridQuery> queries;
  private final FilterMapper filters;
  private final Searches searches;
  private final Matches matches;

  private LucioleEmbeddingStore(Builder builder, HybridIndexer indexer, boolean ownsIndexer) {
    this.model = builder.model;
    this.indexer = indexer;
    this.ownsIndexer = ownsIndexer;
    this.schema = indexer.schema();
    requireWholeTexts(schema);
    this.searcher = HybridSearcher.open(indexer, model.engine());
    this.queries = builder.queries;
    this.filters = new FilterMapper(schema);
    this.searches = new Searches(model.engine(), searcher);
    this.matches = new Matches(searcher, schema.vectorFields());
  }

  private static void requireWholeTexts(HybridSchema schema) {
    if (schema.dense().isEmpty() || schema.chunks().isPresent()) {
      throw new IllegalArgumentException(
          "expected an index with dense vectors that keeps texts whole, found "
              + schema
              + "; cut documents with LucioleDocumentSplitter, or search this index with"
              + " LucioleContentRetriever");
    }
  }

  /**
   * Opens a store over an index in a folder, or makes one, with the defaults of {@link Builder}.
   *
   * @param index the folder of the index
   * @param model the model of the index's vectors; its engine must be closed after the store
   * @return the store
   * @throws io.luciole.lucene.IndexException as {@link HybridIndexer#open(Path,
   *     io.luciole.EmbeddingEngine, WriteOptions)}
   * @throws IllegalArgumentException if the index has no dense vectors, or cuts texts into passages
   */
  public static LucioleEmbeddingStore open(Path index, LucioleEmbeddingModel model) {
    return builder(model).open(index);
  }

  /**
   * Starts to open a store.
   *
   * @param model the model of the index's vectors; its engine must be closed after the store
   * @return a builder
   */
  public static Builder builder(LucioleEmbeddingModel model) {
    return new Builder(requireNonNull(model, "model"));
  }

  /** Opens stores. Not safe for use by several threads. */
  public static final class Builder {
    private final LucioleEmbeddingModel model;
    private WriteOptions options = WriteOptions.defaults();
    private UnaryOperator<HybridQuery> queries = UnaryOperator.identity();

    private Builder(LucioleEmbeddingModel model) {
      this.model = model;
    }

    /**
     * Sets how an index is written, and the schema of a new one.
     *
     * @param options how
     * @return this builder
     */
    public Builder writeOptions(WriteOptions options) {
      this.options = requireNonNull(options, "options");
      return this;
    }

    /**
     * Sets how requests with a {@code query} are searched, such as {@code query ->
     * query.weight(Leg.BM25, 0.5).rerank(50)}. Number of hits, filter and vectors of the request
     * are set afterwards; a filter that the change sets holds beside the request's.
     *
     * @param change changes the usual query; called by several threads
     * @return this builder
     */
    public Builder queries(UnaryOperator<HybridQuery> change) {
      this.queries = requireNonNull(change, "change");
      return this;
    }

    /**
     * Opens a store over an index in a folder, or makes one. The store closes it.
     *
     * @param index the folder of the index
     * @return the store
     * @throws io.luciole.lucene.IndexException as {@link HybridIndexer#open(Path,
     *     io.luciole.EmbeddingEngine, WriteOptions)}
     * @throws IllegalArgumentException if the index has no dense vectors, or cuts texts into
     *     passages
     */
    public LucioleEmbeddingStore open(Path index) {
      HybridIndexer indexer = HybridIndexer.open(index, model.engine(), options);
      try {
        return new LucioleEmbeddingStore(this, indexer, true);
      } catch (Throwable t) {
        indexer.rollback();
        throw t;
      }
    }

    /**
     * Opens a store over the index of an application's indexer, which stays the application's to
     * close, after the store. {@link #writeOptions} are not used.
     *
     * @param indexer the indexer
     * @return the store
     * @throws IllegalArgumentException if the index has no dense vectors, or cuts texts into
     *     passages
     */
    public LucioleEmbeddingStore over(HybridIndexer indexer) {
      return new LucioleEmbeddingStore(this, requireNonNull(indexer, "indexer"), false);
    }
  }

  @Override
  public String add(Embedding embedding) {
    return add(embedding, null);
  }

  @Override
  public void add(String id, Embedding embedding) {
    addAll(List.of(id), Collections.singletonList(embedding), null);
  }

  /**
   * Adds a vector and its text.
   *
   * @param embedding the dense vector, or null to have it computed of the text
   * @param segment the text and its metadata, or null for a vector without a text
   * @return the id that was made for it
   */
  @Override
  public String add(@Nullable Embedding embedding, @Nullable TextSegment segment) {
    return addAll(Collections.singletonList(embedding), Collections.singletonList(segment)).get(0);
  }

  @Override
  public List<String> addAll(List<Embedding> embeddings) {
    return addAll(embeddings, Collections.nCopies(embeddings.size(), null));
  }

  /**
   * Adds vectors and their texts; each replaces what has the same id.
   *
   * @param ids an id for each; of those with the same id, the last one is kept
   * @param embeddings a dense vector for each, or null to have it computed of the text
   * @param segments a text for each, or null for a vector without a text; null for no texts at all
   * @throws IllegalArgumentException if the lists differ in length, a vector has another dimension
   *     than the model's, or there is neither vector nor text
   * @throws LucioleException if a text cannot be embedded, or the index cannot be written; some may
   *     have been added then
   */
  @Override
  public void addAll(
      List<String> ids, List<Embedding> embeddings, @Nullable List<TextSegment> segments) {
    if (ids.size() != embeddings.size() || (segments != null && segments.size() != ids.size())) {
      throw new IllegalArgumentException(
          "expected an embedding and a text for each id, found "
              + ids.size()
              + " ids, "
              + embeddings.size()
              + " embeddings and "
              + (segments == null ? "no" : segments.size())
              + " texts");
    }
    Map<String, StoredItem> items = new LinkedHashMap<>();
    for (int i = 0; i < ids.size(); i++) {
      TextSegment segment = segments == null ? null : segments.get(i);
      items.put(
          ids.get(i), StoredItem.of(ids.get(i), embeddings.get(i), segment, schema, model.known()));
    }
    write(items.values());
  }

  /**
   * Writes what has all its vectors, and embeds the rest in batches of what is missing. So they are
   * not written in their order, and must have different ids.
   */
  private void write(Collection<StoredItem> items) {
    List<CompletableFuture<Boolean>> written = new ArrayList<>(items.size());
    Map<Set<Output>, List<StoredItem>> incomplete = new HashMap<>();
    for (StoredItem item : items) {
      Set<Output> missing = item.missing(schema.outputs());
      if (missing.isEmpty()) {
        written.add(indexer.put(item.document(), item.vectors(item.known())));
      } else if (item.given() == null) {
        written.add(indexer.put(item.document()));
      } else {
        incomplete.computeIfAbsent(missing, outputs -> new ArrayList<>()).add(item);
      }
    }
    incomplete.forEach((outputs, group) -> {
      Iterator<Embedded<StoredItem>> embedded =
          model
              .engine()
              .embedAll(
                  group.iterator(), StoredItem::text, EmbedOptions.passage().outputs(outputs));
      while (embedded.hasNext()) {
        Embedded<StoredItem> one = embedded.next();
        StoredItem item = one.source();
        written.add(indexer.put(item.document(), item.vectors(one.embedding())));
      }
    });
    await(written);
  }

  private static void await(List<CompletableFuture<Boolean>> written) {
    try {
      CompletableFuture.allOf(written.toArray(CompletableFuture[]::new)).join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  @Override
  public void removeAll(Collection<String> ids) {
    long unused = indexer.delete(ensureNotEmpty(ids, "ids"));
  }

  @Override
  public void removeAll(Filter filter) {
    long unused = indexer.delete(filters.query(ensureNotNull(filter, "filter")));
  }

  @Override
  public void removeAll() {
    long unused = indexer.delete(MetadataFilters.not(new MatchNoDocsQuery("nothing")));
  }

  /**
   * Searches what was added before this call.
   *
   * @param request with a {@code query} for a hybrid search, or without for the nearest vectors
   * @return the matches in the order of the search, with scores as this class tells
   * @throws IllegalArgumentException if the vector has another dimension than the index's, or a
   *     filter's value does not fit the type that the schema declares
   * @throws LucioleException if the query cannot be embedded, or the index cannot be read
   */
  @Override
  public EmbeddingSearchResult<TextSegment> search(EmbeddingSearchRequest request) {
    boolean unused = searcher.refresh();
    HybridQuery query = query(request).top(request.maxResults());
    return new EmbeddingSearchResult<>(
        searches.search(
            query, result -> matches.of(result, request.queryEmbedding(), request.minScore())));
  }

  private HybridQuery query(EmbeddingSearchRequest request) {
    String text = request.query() == null ? "" : request.query();
    io.luciole.Embedding given =
        model
            .known()
            .rest(request.queryEmbedding(), text, Role.QUERY)
            .withDense(request.queryEmbedding().vector());
    HybridQuery query =
        text.isBlank()
            ? HybridQuery.of("").legs(Leg.DENSE).embedding(given)
            : searches.embedded(queries.apply(HybridQuery.of(text)), given, Set.of());
    Filter filter = request.filter();
    return Searches.filtered(query, filter == null ? null : filters.query(filter));
  }

  /**
   * Makes everything that was added and removed durable.
   *
   * @throws io.luciole.lucene.IndexException if it cannot be written
   */
  public void commit() {
    indexer.commit();
  }

  /**
   * Closes the index if the store has opened it, which commits it unless {@link
   * WriteOptions#commitOnClose} says otherwise. A second call does nothing.
   */
  @Override
  public void close() {
    searcher.close();
    if (ownsIndexer) {
      indexer.close();
    }
  }
}
