package io.luciole.spring.ai;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.DenseScores;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SourceDocument;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.BatchingStrategy;
import org.springframework.ai.observation.conventions.VectorStoreSimilarityMetric;
import org.springframework.ai.vectorstore.AbstractVectorStoreBuilder;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.ai.vectorstore.filter.Filter;
import org.springframework.ai.vectorstore.observation.AbstractObservationVectorStore;
import org.springframework.ai.vectorstore.observation.VectorStoreObservationContext;

/**
 * A hybrid index as Spring AI's {@link org.springframework.ai.vectorstore.VectorStore}. A document
 * is embedded once, and found by dense vectors, by sparse weights if the model has them, and by its
 * words.
 *
 * <pre>{@code
 * HybridIndexer indexer = HybridIndexer.open(Path.of("index"), engine);
 * HybridSearcher searcher = HybridSearcher.open(indexer, engine);
 * VectorStore store = LucioleVectorStore.builder(engine, indexer, searcher).build();
 * store.add(List.of(new Document("Fireflies glow.", Map.of("year", 2024))));
 * List<Document> found = store.similaritySearch(
 *     SearchRequest.builder().query("insects with light").filterExpression("year > 2020").build());
 * }</pre>
 *
 * <p><b>Order and scores.</b> Documents come in the order of the hybrid search. A document's score,
 * {@link Document#getScore}, is its similarity to the query by dense vectors, whichever way it was
 * found: the cosine, or 0 if that is negative. So it has the same scale for every query, a
 * threshold means what it means for other vector stores of the model, and scores need not fall from
 * one document to the next. (For a model that does not normalise its vectors, it is {@code (1 + s /
 * (1 + |s|)) / 2} of the dot product {@code s}.) A search with a threshold looks for {@code topK}
 * documents above it among the first 100. The metadata of a document found has the {@code
 * distance}, 1 less the score, beside its own; numbers in it are {@code Integer}, {@code Long},
 * {@code BigInteger} or {@code Double}.
 *
 * <p><b>Filters.</b> All operators of {@link Filter} work on all metadata; a range compares strings
 * with a string, numbers with a number. Fields that the index's schema declares answer ranges
 * faster, and know dates. {@code NE}, {@code NIN} and {@code NOT} match documents without a value,
 * too.
 *
 * <p><b>Visibility and durability.</b> What a method added or deleted is seen by searches that
 * start after it returned. It is durable from the indexer's next commit on, which comes every five
 * minutes and when the indexer is closed unless its options say otherwise; {@link
 * HybridIndexer#commit} makes it so at once.
 *
 * <p>All methods block. Safe for use by many threads. Engine, indexer and searcher stay the
 * caller's to close: first the searcher, then the indexer, then the engine.
 */
public final class LucioleVectorStore extends AbstractObservationVectorStore {
  private final EmbeddingEngine engine;
  private final HybridIndexer indexer;
  private final HybridSearcher searcher;
  private final UnaryOperator<HybridQuery> change;
  private final FilterQueries filters;
  private final boolean normalized;

  private LucioleVectorStore(Builder builder) {
    super(builder);
    this.engine = builder.engine;
    this.indexer = builder.indexer;
    this.searcher = builder.searcher;
    this.change = builder.change;
    this.filters = FilterQueries.of(searcher.schema());
    this.normalized = searcher.schema().dense().orElseThrow().normalized();
  }

  /**
   * Starts to make a store.
   *
   * @param engine embeds queries
   * @param indexer writes the documents; opened with the same engine
   * @param searcher searches what the indexer writes, near real time: opened by {@link
   *     HybridSearcher#open(HybridIndexer, EmbeddingEngine)}
   * @return the builder
   * @throws IllegalArgumentException if the index has no dense vectors
   */
  public static Builder builder(
      EmbeddingEngine engine, HybridIndexer indexer, HybridSearcher searcher) {
    return new Builder(engine, indexer, searcher);
  }

  /**
   * Embeds and writes documents; they replace those with the same ids. If some fail, the others are
   * written all the same.
   *
   * @param documents the documents
   * @throws IllegalArgumentException if a document has no text, or metadata that is not of the
   *     types that {@link io.luciole.lucene.Metadata} lists; then none was written
   * @throws io.luciole.LucioleException the failure of the first document that failed
   */
  @Override
  public void doAdd(List<Document> documents) {
    List<SourceDocument> sources = documents.stream().map(Documents::source).toList();
    List<CompletableFuture<Boolean>> written = new ArrayList<>(sources.size());
    sources.forEach(source -> written.add(indexer.put(source)));
    try {
      CompletableFuture.allOf(written.toArray(CompletableFuture<?>[]::new)).join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    } finally {
      searcher.refresh();
    }
  }

  /**
   * Deletes documents by their ids; ids that the index does not have are left out.
   *
   * @param ids the ids
   * @throws io.luciole.LucioleException if the index cannot be written
   */
  @Override
  public void doDelete(List<String> ids) {
    indexer.delete(ids);
    searcher.refresh();
  }

  /**
   * Deletes all documents that match a filter.
   *
   * @param filter the filter
   * @throws IllegalArgumentException if the filter is malformed
   * @throws io.luciole.LucioleException if the index cannot be written
   */
  @Override
  protected void doDelete(Filter.Expression filter) {
    indexer.delete(filters.query(filter));
    searcher.refresh();
  }

  /**
   * Searches.
   *
   * @param request the query's text, how many documents, the least score and the filter
   * @return the documents in the order of the hybrid search
   * @throws IllegalArgumentException if the filter is malformed
   * @throws io.luciole.LucioleException if the query cannot be embedded, or the index cannot be
   *     read
   */
  @Override
  public List<Document> doSimilaritySearch(SearchRequest request) {
    double threshold = request.getSimilarityThreshold();
    int looked =
        threshold > 0 ? Math.max(request.getTopK(), HybridQuery.DEFAULT_DEPTH) : request.getTopK();
    HybridQuery query = query(request, looked);
    EmbedOptions how = EmbedOptions.query().outputs(outputs(query));
    Embedding embedded = engine.embedAll(List.of(request.getQuery()), how).get(0);
    List<Hit> hits = searcher.search(query.embedding(embedded)).hits();
    Map<String, Double> scores = DenseScores.of(searcher, embedded, hits);
    List<Document> found = new ArrayList<>();
    for (Hit hit : hits) {
      Double score = scores.get(hit.id());
      if (score != null && similarity(score) >= threshold && found.size() < request.getTopK()) {
        found.add(Documents.found(hit, similarity(score)));
      }
    }
    return found;
  }

  private HybridQuery query(SearchRequest request, int top) {
    HybridQuery query = change.apply(HybridQuery.of(request.getQuery())).top(top);
    Filter.Expression expression = request.getFilterExpression();
    if (expression == null) {
      return query;
    }
    Query filter = filters.query(expression);
    return query.filter(
        query
            .filter()
            .<Query>map(own ->
                new BooleanQuery.Builder().add(own, Occur.FILTER).add(filter, Occur.FILTER).build())
            .orElse(filter));
  }

  /** What the query needs of the model, and the dense vector for the scores. */
  private Set<Output> outputs(HybridQuery query) {
    EnumSet<Output> outputs = EnumSet.of(Output.DENSE);
    for (Leg leg : query.legs().orElse(searcher.legs())) {
      leg.output().ifPresent(outputs::add);
    }
    query.rerank().ifPresent(rerank -> outputs.addAll(rerank.outputs()));
    return outputs;
  }

  private double similarity(double dot) {
    return normalized ? Math.clamp(dot, 0, 1) : (1 + dot / (1 + Math.abs(dot))) / 2;
  }

  /**
   * {@return the searcher, for all that this interface does not offer: facets, sorting, highlights,
   * explanations}
   *
   * @param <T> {@link HybridSearcher}
   */
  @Override
  @SuppressWarnings("unchecked") // The interface lets the caller name the type.
  public <T> Optional<T> getNativeClient() {
    return Optional.of((T) searcher);
  }

  /** {@return what observations of an operation begin with} */
  @Override
  public VectorStoreObservationContext.Builder createObservationContextBuilder(String operation) {
    return VectorStoreObservationContext.builder(LucioleEmbeddingModel.PROVIDER, operation)
        .dimensions(embeddingModel.dimensions())
        .similarityMetric(
            (normalized ? VectorStoreSimilarityMetric.COSINE : VectorStoreSimilarityMetric.DOT)
                .value());
  }

  /** Makes a {@link LucioleVectorStore}. Not safe for use by several threads. */
  public static final class Builder extends AbstractVectorStoreBuilder<Builder> {
    private final EmbeddingEngine engine;
    private final HybridIndexer indexer;
    private final HybridSearcher searcher;
    private UnaryOperator<HybridQuery> change = UnaryOperator.identity();

    private Builder(EmbeddingEngine engine, HybridIndexer indexer, HybridSearcher searcher) {
      super(new LucioleEmbeddingModel(engine));
      this.engine = engine;
      this.indexer = requireNonNull(indexer, "indexer");
      this.searcher = requireNonNull(searcher, "searcher");
      if (!searcher.legs().contains(Leg.DENSE)) {
        throw new IllegalArgumentException(
            "expected an index with dense vectors, which the scores come from; it has the legs "
                + searcher.legs()
                + ": make the index with a schema that has them, or search it by HybridSearcher");
      }
    }

    /**
     * Changes how searches are made: their fusion, the legs and their weights, reranking, a filter
     * of the application's own. By default they are hybrid as {@link HybridQuery#of} says.
     *
     * @param change changes a query; its number of hits, its vectors and, with a filter in the
     *     request, its filter are set afterwards
     * @return this builder
     */
    public Builder query(UnaryOperator<HybridQuery> change) {
      this.change = requireNonNull(change, "change");
      return this;
    }

    /**
     * Refuses: the engine makes the batches.
     *
     * @param batchingStrategy any
     * @return nothing
     * @throws UnsupportedOperationException always
     */
    @Override
    public Builder batchingStrategy(BatchingStrategy batchingStrategy) {
      throw new UnsupportedOperationException(
          "expected no batching strategy: the engine batches the texts of all callers itself;"
              + " luciole.token-budget sets how large its batches are");
    }

    /** {@return the store} */
    @Override
    public LucioleVectorStore build() {
      return new LucioleVectorStore(this);
    }
  }
}
