package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.Output;
import io.luciole.Scores;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/**
 * What to search for and how. A query is answered by <em>legs</em>, which are its retrievers: each
 * {@link Leg} gives a ranked list of its own, and a {@link Fusion} makes one list of them.
 * Immutable: each method that sets something returns a changed copy.
 *
 * <pre>{@code
 * HybridQuery.of("insects that glow").top(5).weight(Leg.SPARSE, 0.3).fusion(Fusion.rrf(20))
 * }</pre>
 */
public final class HybridQuery {
  /**
   * The length of each leg's list that decides the first hits, unless a depth is set. For hits
   * beyond it, lists are 1000 and 10,000 long; what they find comes behind what the first 100 gave.
   */
  public static final int DEFAULT_DEPTH = 100;

  private static final LegOptions USUAL = new LegOptions(DEFAULT_DEPTH, 1, null);

  private final QuerySettings settings;

  /**
   * How one leg searches.
   *
   * @param depth the length of its list, at least 1
   * @param weight what it counts in the fusion, 0 or more
   * @param filter what its documents must match in addition to the query's own filter, or null for
   *     anything
   */
  public record LegOptions(int depth, double weight, @Nullable Query filter) {
    /** Checks the components. */
    public LegOptions {
      if (depth < 1) {
        throw new IllegalArgumentException("depth must be at least 1, got " + depth);
      }
      if (!(weight >= 0) || weight == Double.POSITIVE_INFINITY) {
        throw new IllegalArgumentException("weight must be 0 or more and finite, got " + weight);
      }
    }
  }

  /**
   * Reranking: the best of the fused list are scored by the vectors that the index keeps, in the
   * precision in which it keeps them, and ordered by those scores.
   *
   * @param depth how many of the fused list, at least 1; the others keep their order behind them
   * @param weights what each kind of score counts; a score of weight 0 is not computed
   */
  public record Rerank(int depth, Scores.Weights weights) {
    /** Weights that rerank by the token vectors alone. */
    public static final Scores.Weights COLBERT = new Scores.Weights(0, 0, 1);

    /** Checks the components. */
    public Rerank {
      requireNonNull(weights, "weights");
      if (depth < 1) {
        throw new IllegalArgumentException("depth must be at least 1, got " + depth);
      }
    }

    /**
     * Returns what the index must keep of the documents, and the model give of the query.
     *
     * @return the outputs whose weight is above 0
     */
    public Set<Output> outputs() {
      return weights.outputs();
    }
  }

  private HybridQuery(QuerySettings settings) {
    this.settings = settings;
  }

  private HybridQuery with(Consumer<QuerySettings> change) {
    QuerySettings copy = new QuerySettings(settings);
    change.accept(copy);
    return new HybridQuery(copy);
  }

  /**
   * Makes a query by text: 10 hits, from every leg that the index and the engine offer, by the
   * first 100 of each leg's list, fused as {@link Fusion#usual} does.
   *
   * <p>The leg {@link Leg#BM25} reads {@code "words in quotation marks"} as a phrase, and {@code
   * word*} as any word that begins so, each like one more word. A query of phrases alone finds
   * documents with one of them; beside other words, those of a phrase count by themselves, too.
   * Everything else is plain words: there are no operators, and no text is refused.
   *
   * @param text the text to search for
   * @return the query
   */
  public static HybridQuery of(String text) {
    return new HybridQuery(new QuerySettings(requireNonNull(text, "text")));
  }

  /**
   * Sets the number of hits.
   *
   * @param top the number, 0 or more
   * @return a changed copy
   * @throws IllegalArgumentException if it is negative
   */
  public HybridQuery top(int top) {
    if (top < 0) {
      throw new IllegalArgumentException("top must be 0 or more, got " + top);
    }
    return with(s -> s.top = top);
  }

  /**
   * Leaves out the first hits, for a later page. Pages of one {@link #view} fit together: no hit
   * comes twice and none is left out. Without {@link #depth} they reach as far as each leg's first
   * 10,000; with it, they end with the documents that the legs found at that depth.
   *
   * @param offset the number of hits to leave out, 0 or more
   * @return a changed copy
   * @throws IllegalArgumentException if it is negative
   */
  public HybridQuery offset(int offset) {
    if (offset < 0) {
      throw new IllegalArgumentException("offset must be 0 or more, got " + offset);
    }
    return with(s -> s.offset = offset);
  }

  /**
   * Searches the same state of the index as an earlier search, so that pages fit together while the
   * index changes. States are kept for some minutes only.
   *
   * @param view the state, from {@link SearchResult#view}
   * @return a changed copy
   */
  public HybridQuery view(long view) {
    return with(s -> s.view = view);
  }

  /**
   * Gives the query's vectors, made elsewhere by the model of the index. If they hold what a search
   * needs, the engine is not asked. The leg {@link Leg#BM25} uses the text all the same.
   *
   * @param embedding the vectors
   * @return a changed copy
   */
  public HybridQuery embedding(Embedding embedding) {
    requireNonNull(embedding, "embedding");
    return with(s -> s.embedding = embedding);
  }

  /**
   * Sets the legs to search with. A leg that the index does not have is then refused at search;
   * without this call it is left out.
   *
   * @param first a leg
   * @param more other legs
   * @return a changed copy
   */
  public HybridQuery legs(Leg first, Leg... more) {
    return legs(EnumSet.of(first, more));
  }

  /**
   * Sets the legs to search with, as {@link #legs(Leg, Leg...)}.
   *
   * @param legs the legs, at least one
   * @return a changed copy
   * @throws IllegalArgumentException if there are none
   */
  public HybridQuery legs(Set<Leg> legs) {
    requireNonNull(legs, "legs");
    if (legs.isEmpty()) {
      throw new IllegalArgumentException("expected at least one leg, got none");
    }
    return with(s -> s.legs = Collections.unmodifiableSet(EnumSet.copyOf(legs)));
  }

  /**
   * Sets the length of each leg's list. It decides which documents are fused, and for fusions that
   * look at the whole list also the order of the first; keep it while paging. Without it, the
   * searcher takes 100 for the first hits and more for later pages.
   *
   * @param depth the length, at least 1
   * @return a changed copy
   * @throws IllegalArgumentException if it is below 1
   */
  public HybridQuery depth(int depth) {
    HybridQuery changed = this;
    for (Leg leg : Leg.values()) {
      changed = changed.depth(leg, depth);
    }
    return changed;
  }

  /**
   * Sets the length of one leg's list; the others are 100 long unless theirs is set.
   *
   * @param leg the leg
   * @param depth the length, at least 1
   * @return a changed copy
   * @throws IllegalArgumentException if it is below 1
   */
  public HybridQuery depth(Leg leg, int depth) {
    LegOptions was = options(leg);
    return options(leg, new LegOptions(depth, was.weight(), was.filter()))
        .with(s -> s.hasDepth = true);
  }

  /**
   * Sets what a leg counts in the fusion; 1 by default. A leg of weight 0 is not searched. A leg of
   * another weight that the index does not have, or that is not among {@link #legs}, is refused at
   * search, as is a search in which every leg has weight 0.
   *
   * @param leg the leg
   * @param weight the weight, 0 or more and finite
   * @return a changed copy
   * @throws IllegalArgumentException if it is out of range
   */
  public HybridQuery weight(Leg leg, double weight) {
    LegOptions was = options(leg);
    EnumSet<Leg> weighted = EnumSet.of(leg);
    weighted.addAll(settings.weighted);
    return options(leg, new LegOptions(was.depth(), weight, was.filter()))
        .with(s -> s.weighted = Collections.unmodifiableSet(weighted));
  }

  /**
   * Sets what every hit of every leg must match.
   *
   * @param filter the filter
   * @return a changed copy
   */
  public HybridQuery filter(Query filter) {
    requireNonNull(filter, "filter");
    return with(s -> s.filter = filter);
  }

  /**
   * Makes a filter by metadata, for {@link #filter(Query)}, without knowing the index: its value is
   * compared as {@link MetadataFilters} compares fields that the schema does not declare. To have
   * values compared as the types of the schema, and for ranges and prefixes, use {@link
   * MetadataFilters}.
   *
   * @param name the metadata's name, with dots where objects are nested
   * @param value its value, matched whole; a text that spells a number matches equal numbers
   * @return the documents with that value
   */
  public static Query metadata(String name, String value) {
    return new BooleanQuery.Builder()
        .add(MetadataTerms.anyOf(name, List.of(value)), Occur.SHOULD)
        .add(MetadataLayout1.terms(name, List.of(value)), Occur.SHOULD)
        .build();
  }

  /**
   * Sets what the hits of one leg must match, in addition to the query's own filter.
   *
   * @param leg the leg
   * @param filter the filter
   * @return a changed copy
   */
  public HybridQuery filter(Leg leg, Query filter) {
    LegOptions was = options(leg);
    return options(
        leg, new LegOptions(was.depth(), was.weight(), requireNonNull(filter, "filter")));
  }

  /**
   * Sets how the legs' lists become one.
   *
   * @param fusion the fusion
   * @return a changed copy
   */
  public HybridQuery fusion(Fusion fusion) {
    requireNonNull(fusion, "fusion");
    return with(s -> s.fusion = fusion);
  }

  /**
   * Reranks the best of the fused list by their token vectors.
   *
   * @param depth how many, at least 1
   * @return a changed copy
   * @throws IllegalArgumentException if it is below 1
   */
  public HybridQuery rerank(int depth) {
    return rerank(new Rerank(depth, Rerank.COLBERT));
  }

  /**
   * Reranks the best of the fused list.
   *
   * @param rerank how many, and by which scores
   * @return a changed copy
   */
  public HybridQuery rerank(Rerank rerank) {
    requireNonNull(rerank, "rerank");
    return with(s -> {
      s.rerank = rerank;
      s.rerankByModel = null;
    });
  }

  /**
   * Reranks the best of the fused list by a model that reads the query together with each hit's
   * title and best passage, in place of vectors; see {@link RerankByModel}.
   *
   * @param scorer scores them
   * @param depth how many, at least 1
   * @return a changed copy
   * @throws IllegalArgumentException if the depth is below 1
   */
  public HybridQuery rerank(PassageScorer scorer, int depth) {
    RerankByModel by = new RerankByModel(scorer, depth);
    return with(s -> {
      s.rerank = null;
      s.rerankByModel = by;
    });
  }

  /**
   * Sets the order of the hits by metadata, one hit for each value, and counts of values.
   *
   * @param arrangement what is wanted; its fields are checked at search
   * @return a changed copy
   */
  public HybridQuery arrange(Arrangement arrangement) {
    requireNonNull(arrangement, "arrangement");
    return with(s -> s.arrangement = arrangement);
  }

  /**
   * Sets whether each hit names the tokens that it shares with the query ({@link Hit#tokens}).
   *
   * @param wanted whether it does
   * @return a changed copy
   */
  public HybridQuery matchedTokens(boolean wanted) {
    return with(s -> s.matchedTokens = wanted);
  }

  /**
   * Sets what words of title and text count in the leg {@link Leg#BM25}.
   *
   * @param boosts the boosts
   * @return a changed copy
   */
  public HybridQuery wordBoosts(WordBoosts boosts) {
    requireNonNull(boosts, "boosts");
    return with(s -> s.wordBoosts = boosts);
  }

  /**
   * Sets how long the search may take. After that, legs that have not ended give what they found so
   * far, and {@link SearchResult#incomplete} names them.
   *
   * @param timeout the time, above 0
   * @return a changed copy
   * @throws IllegalArgumentException if it is not positive
   */
  public HybridQuery timeout(Duration timeout) {
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("timeout must be positive, got " + timeout);
    }
    return with(s -> s.timeout = timeout);
  }

  private HybridQuery options(Leg leg, LegOptions changed) {
    EnumMap<Leg, LegOptions> copy = new EnumMap<>(Leg.class);
    copy.putAll(settings.options);
    copy.put(requireNonNull(leg, "leg"), changed);
    return with(s -> s.options = Collections.unmodifiableMap(copy));
  }

  /** {@return the text to search for} */
  public String text() {
    return settings.text;
  }

  /** {@return the number of hits} */
  public int top() {
    return settings.top;
  }

  /** {@return the number of hits left out before them} */
  public int offset() {
    return settings.offset;
  }

  /** {@return the state of the index to search, if one was set} */
  public OptionalLong view() {
    return settings.view == null ? OptionalLong.empty() : OptionalLong.of(settings.view);
  }

  /** {@return the query's vectors, if they were given} */
  public Optional<Embedding> embedding() {
    return Optional.ofNullable(settings.embedding);
  }

  /** {@return the legs to search with; empty for all that there are} */
  public Optional<Set<Leg>> legs() {
    return Optional.ofNullable(settings.legs);
  }

  /**
   * Returns how a leg searches.
   *
   * @param leg the leg
   * @return its options
   */
  public LegOptions options(Leg leg) {
    return settings.options.getOrDefault(requireNonNull(leg, "leg"), USUAL);
  }

  /** Whether the length of a leg's list was set. */
  boolean hasDepth() {
    return settings.hasDepth;
  }

  /** The legs whose weight was set. */
  Set<Leg> weighted() {
    return settings.weighted;
  }

  /** {@return what every hit must match, if anything} */
  public Optional<Query> filter() {
    return Optional.ofNullable(settings.filter);
  }

  /** {@return how the legs' lists become one} */
  public Fusion fusion() {
    return settings.fusion;
  }

  /** {@return how the best are reranked by vectors, if they are} */
  public Optional<Rerank> rerank() {
    return Optional.ofNullable(settings.rerank);
  }

  /** {@return how the best are reranked by a model, if they are} */
  public Optional<RerankByModel> rerankByModel() {
    return Optional.ofNullable(settings.rerankByModel);
  }

  /** {@return the order by metadata, the collapsing and the counts that are wanted} */
  public Arrangement arrangement() {
    return settings.arrangement;
  }

  /** {@return whether hits name the tokens that they share with the query} */
  public boolean matchedTokens() {
    return settings.matchedTokens;
  }

  /** {@return what words of title and text count} */
  public WordBoosts wordBoosts() {
    return settings.wordBoosts;
  }

  /** {@return how long the search may take, if that is limited} */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(settings.timeout);
  }

  @Override
  public String toString() {
    return "HybridQuery[\"%s\", top=%d, offset=%d, legs=%s, options=%s, filter=%s, fusion=%s,"
            .formatted(
                text(),
                top(),
                offset(),
                settings.legs == null ? "all" : settings.legs,
                settings.options,
                settings.filter,
                fusion().name())
        + " rerank=%s, timeout=%s]".formatted(settings.rerank, settings.timeout);
  }
}
