package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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

  private final String text;
  private final int top;
  private final @Nullable Set<Leg> legs;
  private final Map<Leg, LegOptions> options;
  private final @Nullable Query filter;
  private final Fusion fusion;

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

  private HybridQuery(
      String text,
      int top,
      @Nullable Set<Leg> legs,
      Map<Leg, LegOptions> options,
      @Nullable Query filter,
      Fusion fusion) {
    this.text = text;
    this.top = top;
    this.legs = legs;
    this.options = options;
    this.filter = filter;
    this.fusion = fusion;
  }

  /**
   * A query by text: 10 hits from every leg that the index and the engine offer, 100 deep, fused by
   * reciprocal rank.
   */
  public static HybridQuery of(String text) {
    return new HybridQuery(requireNonNull(text, "text"), 10, null, Map.of(), null, Fusion.rrf());
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
    return new HybridQuery(text, top, legs, options, filter, fusion);
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
    return new HybridQuery(
        text, top, Collections.unmodifiableSet(EnumSet.copyOf(legs)), options, filter, fusion);
  }

  /** The same with each leg's list this long. The length decides what is fused: see {@link #of}. */
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
    return new HybridQuery(text, top, legs, options, requireNonNull(filter, "filter"), fusion);
  }

  /** The same with a filter of one leg, beside the query's own. */
  public HybridQuery filter(Leg leg, Query filter) {
    LegOptions was = options(leg);
    return options(
        leg, new LegOptions(was.depth(), was.weight(), requireNonNull(filter, "filter")));
  }

  /** The same with another fusion. */
  public HybridQuery fusion(Fusion fusion) {
    return new HybridQuery(text, top, legs, options, filter, requireNonNull(fusion, "fusion"));
  }

  private HybridQuery options(Leg leg, LegOptions changed) {
    EnumMap<Leg, LegOptions> copy = new EnumMap<>(Leg.class);
    copy.putAll(options);
    copy.put(requireNonNull(leg, "leg"), changed);
    return new HybridQuery(text, top, legs, Collections.unmodifiableMap(copy), filter, fusion);
  }

  /** The text that is searched for. */
  public String text() {
    return text;
  }

  /** The number of hits wanted. */
  public int top() {
    return top;
  }

  /** The legs asked for; none named means all there are. */
  public Optional<Set<Leg>> legs() {
    return Optional.ofNullable(legs);
  }

  /** How a leg is to search. */
  public LegOptions options(Leg leg) {
    return options.getOrDefault(requireNonNull(leg, "leg"), USUAL);
  }

  /** What every hit must match, if anything. */
  public Optional<Query> filter() {
    return Optional.ofNullable(filter);
  }

  /** How the legs' lists become one. */
  public Fusion fusion() {
    return fusion;
  }

  @Override
  public String toString() {
    return "HybridQuery[\""
        + text
        + "\", top="
        + top
        + ", legs="
        + (legs == null ? "all" : legs)
        + ", options="
        + options
        + ", filter="
        + filter
        + ", fusion="
        + fusion.name()
        + "]";
  }
}
