package io.luciole.langchain4j;

import static java.util.Objects.requireNonNull;

import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.rag.content.Content;
import dev.langchain4j.rag.content.ContentMetadata;
import dev.langchain4j.rag.content.retriever.ContentRetriever;
import dev.langchain4j.rag.query.Query;
import dev.langchain4j.store.embedding.filter.Filter;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SearchResult;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Retrieves contents for LangChain4j's RAG from any index that Luciole searches, whoever wrote it:
 * also one that cuts texts into passages, of which it gives those that fit the query best.
 *
 * <pre>{@code
 * ContentRetriever retriever =
 *     LucioleContentRetriever.builder(searcher, engine)
 *         .maxResults(5)
 *         .queries(query -> query.rerank(50))
 *         .build();
 * }</pre>
 *
 * <p>Contents come in the order of the hybrid search. Each has the text, the document's metadata
 * and, as {@code title}, its title. {@link ContentMetadata#EMBEDDING_ID} is the document's id.
 * {@link ContentMetadata#SCORE} is its relevance by dense vectors, {@code (1 + cosine) / 2} from 0
 * to 1, of the best passage where texts are cut, whichever leg found it; scores need not fall along
 * the list. An index without dense vectors, or of a model that does not normalise them, gives none.
 *
 * <p>Safe for use by many threads. Searcher and engine stay the application's to close, and the
 * searcher its to refresh.
 */
public final class LucioleContentRetriever implements ContentRetriever {
  private static final int DEFAULT_MAX_RESULTS = 3;

  private final Searches searches;
  private final FilterMapper filters;
  private final @Nullable Relevance relevance;
  private final int maxResults;
  private final double minScore;
  private final UnaryOperator<HybridQuery> queries;
  private final Function<Query, @Nullable Filter> filter;

  private LucioleContentRetriever(Builder builder, @Nullable Relevance relevance) {
    this.searches = new Searches(builder.engine, builder.searcher);
    this.filters = new FilterMapper(builder.searcher.schema());
    this.relevance = relevance;
    this.maxResults = builder.maxResults;
    this.minScore = builder.minScore;
    this.queries = builder.queries;
    this.filter = builder.filter;
  }

  /**
   * Starts a retriever.
   *
   * @param searcher searches the index
   * @param engine embeds queries, with the model of the index
   * @return a builder
   */
  public static Builder builder(HybridSearcher searcher, EmbeddingEngine engine) {
    return new Builder(requireNonNull(searcher, "searcher"), requireNonNull(engine, "engine"));
  }

  /** Puts a retriever together. Not safe for use by several threads. */
  public static final class Builder {
    private final HybridSearcher searcher;
    private final EmbeddingEngine engine;
    private int maxResults = DEFAULT_MAX_RESULTS;
    private double minScore;
    private UnaryOperator<HybridQuery> queries = UnaryOperator.identity();
    private Function<Query, @Nullable Filter> filter = query -> null;

    private Builder(HybridSearcher searcher, EmbeddingEngine engine) {
      this.searcher = searcher;
      this.engine = engine;
    }

    /**
     * Sets how many contents are retrieved; 3 by default.
     *
     * @param maxResults the number, at least 1
     * @return this builder
     * @throws IllegalArgumentException if it is below 1
     */
    public Builder maxResults(int maxResults) {
      if (maxResults < 1) {
        throw new IllegalArgumentException("maxResults must be at least 1, got " + maxResults);
      }
      this.maxResults = maxResults;
      return this;
    }

    /**
     * Sets how relevant a content must be; 0 by default.
     *
     * @param minScore the least {@link ContentMetadata#SCORE}, from 0 to 1
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder minScore(double minScore) {
      if (!(minScore >= 0 && minScore <= 1)) {
        throw new IllegalArgumentException("minScore must be from 0 to 1, got " + minScore);
      }
      this.minScore = minScore;
      return this;
    }

    /**
     * Sets how queries are searched: legs, fusion, weights, reranking.
     *
     * @param change changes the usual query; called by several threads
     * @return this builder
     */
    public Builder queries(UnaryOperator<HybridQuery> change) {
      this.queries = requireNonNull(change, "change");
      return this;
    }

    /**
     * Sets what the metadata of every content must match.
     *
     * @param filter the filter
     * @return this builder
     */
    public Builder filter(Filter filter) {
      requireNonNull(filter, "filter");
      return dynamicFilter(query -> filter);
    }

    /**
     * Sets what the metadata of a query's contents must match, such as the user's own documents.
     *
     * @param filter gives a query's filter, or null for anything; called by several threads
     * @return this builder
     */
    public Builder dynamicFilter(Function<Query, @Nullable Filter> filter) {
      this.filter = requireNonNull(filter, "filter");
      return this;
    }

    /**
     * Builds the retriever.
     *
     * @return the retriever
     * @throws IllegalArgumentException if there is a least score, and the index gives none
     * @throws IllegalStateException if the searcher has no schema ({@link HybridSearcher#schema})
     */
    public LucioleContentRetriever build() {
      Relevance relevance = Relevance.in(searcher).orElse(null);
      if (minScore > 0 && relevance == null) {
        throw new IllegalArgumentException(
            "expected an index with normalised dense vectors for a minScore, found "
                + searcher.schema()
                + "; leave minScore out");
      }
      return new LucioleContentRetriever(this, relevance);
    }
  }

  @Override
  public List<Content> retrieve(Query query) {
    HybridQuery search = queries.apply(HybridQuery.of(query.text())).top(maxResults);
    Filter own = filter.apply(query);
    search = Searches.filtered(search, own == null ? null : filters.query(own));
    HybridQuery embedded =
        searches.embedded(
            search, Embedding.absent(), relevance == null ? Set.of() : Set.of(Output.DENSE));
    return searches.search(embedded, result -> contents(result, embedded));
  }

  private List<Content> contents(SearchResult result, HybridQuery query) {
    Map<Integer, Double> scores =
        relevance == null
            ? Map.of()
            : relevance.of(result, query.embedding().orElseThrow().dense());
    List<Content> contents = new ArrayList<>(result.hits().size());
    for (Hit hit : result.hits()) {
      Double score = scores.get(hit.rank());
      TextSegment segment = Segments.passage(hit);
      if (segment != null && (score == null || score >= minScore)) {
        contents.add(Content.from(segment, metadata(hit, score)));
      }
    }
    return contents;
  }

  private static Map<ContentMetadata, Object> metadata(Hit hit, @Nullable Double score) {
    Map<ContentMetadata, Object> metadata = new EnumMap<>(ContentMetadata.class);
    metadata.put(ContentMetadata.EMBEDDING_ID, hit.id());
    if (score != null) {
      metadata.put(ContentMetadata.SCORE, score);
    }
    return metadata;
  }
}
