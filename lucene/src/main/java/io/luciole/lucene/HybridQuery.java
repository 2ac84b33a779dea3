package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.Scores;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/**
 * What to search for and how. Immutable: each method returns a changed copy.
 *
 * <pre>{@code
 * HybridQuery.of("insects that glow").top(5).weight(Leg.SPARSE, 0.3).fusion(Fusion.rrf(20))
 * }</pre>
 */
public final class HybridQuery {
  /** Documents each leg contributes unless told otherwise. */
  public static final int DEFAULT_DEPTH = 100;

  private static final LegOptions USUAL = new LegOptions(DEFAULT_DEPTH, 1, null);

  private final Settings settings;

  /**
   * How one leg is to search.
   *
   * @param depth the length of its list, at least 1
   * @param weight what it counts in the fusion, 0 or more
   * @param filter what its documents must match, or null for anything; the query's own filter
   *     applies as well
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
   * Scoring the best of the fused list again, exactly, by vectors kept beside the index.
   *
   * @param depth how many of the fused list, at least 1; the rest keeps its order behind them
   * @param weights what each kind of score counts; one of weight 0 is not computed
   */
  public record Rerank(int depth, Scores.Weights weights) {
    /** By the token vectors alone. */
    public static final Scores.Weights COLBERT = new Scores.Weights(0, 0, 1);

    /** Checks the components. */
    public Rerank {
      requireNonNull(weights, "weights");
      if (depth < 1) {
        throw new IllegalArgumentException("depth must be at least 1, got " + depth);
      }
    }
  }

  /** Not changed once a query holds it. */
  private static final class Settings {
    private final String text;
    private int top = 10;
    private int offset;
    private @Nullable Set<Leg> legs;
    private Map<Leg, LegOptions> options = Map.of();
    private @Nullable Query filter;
    private Fusion fusion = Fusion.usual();
    private @Nullable Rerank rerank;
    private @Nullable Duration timeout;
    private boolean matchedTokens;
    private @Nullable Long view;
    private @Nullable Embedding embedding;

    Settings(String text) {
      this.text = text;
    }

    Settings(Settings of) {
      text = of.text;
      top = of.top;
      offset = of.offset;
      legs = of.legs;
      options = of.options;
      filter = of.filter;
      fusion = of.fusion;
      rerank = of.rerank;
      timeout = of.timeout;
      matchedTokens = of.matchedTokens;
      view = of.view;
      embedding = of.embedding;
    }
  }

  private HybridQuery(Settings settings) {
    this.settings = settings;
  }

  private HybridQuery with(Consumer<Settings> change) {
    Settings copy = new Settings(settings);
    change.accept(copy);
    return new HybridQuery(copy);
  }

  /**
   * A query by text: 10 hits from every leg that the index and the engine offer, 100 deep, fused as
   * {@link Fusion#usual} does.
   */
  public static HybridQuery of(String text) {
    return new HybridQuery(new Settings(requireNonNull(text, "text")));
  }

  /**
   * The same with another number of hits, 0 or more.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public HybridQuery top(int top) {
    if (top < 0) {
      throw new IllegalArgumentException("top must be 0 or more, got " + top);
    }
    return with(s -> s.top = top);
  }

  /**
   * The same without the first hits: a later page. What is fused depends on the legs' depths alone,
   * so pages fit together; no page reaches beyond the documents that the legs found.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public HybridQuery offset(int offset) {
    if (offset < 0) {
      throw new IllegalArgumentException("offset must be 0 or more, got " + offset);
    }
    return with(s -> s.offset = offset);
  }

  /**
   * The same on the view of the index that an earlier result had ({@link SearchResult#view}), so
   * that pages fit together while the index changes. Views are kept for a while only.
   */
  public HybridQuery view(long view) {
    return with(s -> s.view = view);
  }

  /**
   * The same with vectors of the query that were made elsewhere, by the model of the index: where
   * they hold what a search needs, no engine is asked. The text still serves the words.
   */
  public HybridQuery embedding(Embedding embedding) {
    requireNonNull(embedding, "embedding");
    return with(s -> s.embedding = embedding);
  }

  /**
   * The same with these legs and no others. A leg that the index has not is then refused at search;
   * without this call it is left out.
   */
  public HybridQuery legs(Leg first, Leg... more) {
    return legs(EnumSet.of(first, more));
  }

  /**
   * The same with these legs and no others.
   *
   * @throws IllegalArgumentException if there are none
   */
  public HybridQuery legs(Set<Leg> legs) {
    requireNonNull(legs, "legs");
    if (legs.isEmpty()) {
      throw new IllegalArgumentException("expected at least one leg, got none");
    }
    return with(s -> s.legs = Collections.unmodifiableSet(EnumSet.copyOf(legs)));
  }

  /** The same with each leg's list this long, at least 1. The length decides what is fused. */
  public HybridQuery depth(int depth) {
    HybridQuery changed = this;
    for (Leg leg : Leg.values()) {
      changed = changed.depth(leg, depth);
    }
    return changed;
  }

  /** The same with one leg's list this long, at least 1. */
  public HybridQuery depth(Leg leg, int depth) {
    LegOptions was = options(leg);
    return options(leg, new LegOptions(depth, was.weight(), was.filter()));
  }

  /** The same with another weight of a leg in the fusion, 0 or more; 1 by default. */
  public HybridQuery weight(Leg leg, double weight) {
    LegOptions was = options(leg);
    return options(leg, new LegOptions(was.depth(), weight, was.filter()));
  }

  /** The same with a filter that every hit of every leg matches. */
  public HybridQuery filter(Query filter) {
    requireNonNull(filter, "filter");
    return with(s -> s.filter = filter);
  }

  /** The same with a filter of one leg, beside the query's own. */
  public HybridQuery filter(Leg leg, Query filter) {
    LegOptions was = options(leg);
    return options(
        leg, new LegOptions(was.depth(), was.weight(), requireNonNull(filter, "filter")));
  }

  /** The same with another fusion. */
  public HybridQuery fusion(Fusion fusion) {
    requireNonNull(fusion, "fusion");
    return with(s -> s.fusion = fusion);
  }

  /** The same with the best of the fused list scored again by their token vectors. */
  public HybridQuery rerank(int depth) {
    return rerank(new Rerank(depth, Rerank.COLBERT));
  }

  /** The same with the best of the fused list scored again. */
  public HybridQuery rerank(Rerank rerank) {
    requireNonNull(rerank, "rerank");
    return with(s -> s.rerank = rerank);
  }

  /** The same with each hit's tokens that it shares with the query ({@link Hit#tokens}), or not. */
  public HybridQuery matchedTokens(boolean wanted) {
    return with(s -> s.matchedTokens = wanted);
  }

  /**
   * The same with a time after which legs that have not ended give what they found so far; those
   * are named in {@link SearchResult#incomplete}.
   *
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

  /** The text that is searched for. */
  public String text() {
    return settings.text;
  }

  /** The number of hits wanted. */
  public int top() {
    return settings.top;
  }

  /** The number of hits left out before them. */
  public int offset() {
    return settings.offset;
  }

  /** The view of the index, if one was asked for. */
  public OptionalLong view() {
    return settings.view == null ? OptionalLong.empty() : OptionalLong.of(settings.view);
  }

  /** The query's vectors, if they were made elsewhere. */
  public Optional<Embedding> embedding() {
    return Optional.ofNullable(settings.embedding);
  }

  /** The legs asked for; none named means all there are. */
  public Optional<Set<Leg>> legs() {
    return Optional.ofNullable(settings.legs);
  }

  /** How a leg is to search. */
  public LegOptions options(Leg leg) {
    return settings.options.getOrDefault(requireNonNull(leg, "leg"), USUAL);
  }

  /** What every hit must match, if anything. */
  public Optional<Query> filter() {
    return Optional.ofNullable(settings.filter);
  }

  /** How the legs' lists become one. */
  public Fusion fusion() {
    return settings.fusion;
  }

  /** How the best are scored again, if they are. */
  public Optional<Rerank> rerank() {
    return Optional.ofNullable(settings.rerank);
  }

  /** Whether hits name the tokens they share with the query. */
  public boolean matchedTokens() {
    return settings.matchedTokens;
  }

  /** How long the search may take, if that is bounded. */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(settings.timeout);
  }

  @Override
  public String toString() {
    return "HybridQuery[\""
        + text()
        + "\", top="
        + top()
        + ", offset="
        + offset()
        + ", legs="
        + (settings.legs == null ? "all" : settings.legs)
        + ", options="
        + settings.options
        + ", filter="
        + settings.filter
        + ", fusion="
        + fusion().name()
        + ", rerank="
        + settings.rerank
        + ", timeout="
        + settings.timeout
        + "]";
  }
}
