package io.luciole.lucene;

import io.luciole.Output;
import io.luciole.model.ModelFingerprint;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What queries need of a searcher: legs and vectors that the index has, and vectors of their own
 * that are given or that the engine can make. Safe for use by many threads.
 */
final class QueryNeeds {
  private final Object place;
  private final @Nullable ModelFingerprint fingerprint;
  private final SearchRun.Context context;

  /**
   * Creates it.
   *
   * @param place where the index is, for people
   * @param fingerprint the model of the index's vectors, or null where nobody has told it
   */
  QueryNeeds(Object place, @Nullable ModelFingerprint fingerprint, SearchRun.Context context) {
    this.place = place;
    this.fingerprint = fingerprint;
    this.context = context;
  }

  /** The legs that can search without vectors that are given with a query. */
  Set<Leg> legs() {
    return legs(context.outputs());
  }

  private Set<Leg> legs(Set<Output> outputs) {
    Set<Leg> legs = Leg.of(outputs);
    legs.retainAll(context.layout().legs());
    return legs;
  }

  /**
   * Requires what the query reranks by.
   *
   * @throws IllegalArgumentException if the index does not keep it
   * @throws IllegalStateException if the query's vectors that are needed cannot be made
   */
  void requireRerank(HybridQuery query) {
    if (query.rerankByModel().isPresent() && context.layout().shown().text().isEmpty()) {
      throw new IllegalArgumentException(
          "Reranking by a model needs the hits' texts, and the index "
              + place
              + " stores none that is known; SearcherBuilder.text names their field");
    }
    Set<Output> needed = query.rerank().map(HybridQuery.Rerank::outputs).orElse(Set.of());
    Set<Output> kept = context.layout().vectors().outputs();
    if (!kept.containsAll(needed)) {
      throw new IllegalArgumentException(
          "Reranking needs "
              + needed
              + ", the index "
              + place
              + " keeps "
              + kept
              + "; token vectors are kept if the schema says so");
    }
    if (!outputs(query).containsAll(needed)) {
      throw new IllegalStateException(
          "Reranking needs "
              + needed
              + " of the query: open the searcher with an engine that gives them");
    }
  }

  /**
   * The legs that the query is to be searched by.
   *
   * @throws IllegalArgumentException if the index does not have one that it names
   * @throws IllegalStateException if the query's vector for one that it names cannot be made
   */
  Set<Leg> legs(HybridQuery query) {
    Set<Leg> possible = legs(outputs(query));
    Set<Leg> wanted = query.legs().orElse(possible);
    for (Leg leg : wanted) {
      if (!context.layout().legs().contains(leg)) {
        throw new IllegalArgumentException(
            "The index " + place + " has the legs " + context.layout().legs() + ", not " + leg);
      }
      if (!possible.contains(leg)) {
        throw new IllegalStateException(
            "The leg "
                + leg
                + " needs the model "
                + (fingerprint == null ? "of the index" : fingerprint.brief())
                + ": open the searcher with an engine that runs it and gives that output");
      }
    }
    return EnumSet.copyOf(wanted);
  }

  /** The vectors of the query that are given or that the engine can make. */
  private Set<Output> outputs(HybridQuery query) {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    outputs.addAll(context.outputs());
    // A query's own vectors are used only if they hold all that is needed; else the engine's are.
    query.embedding().ifPresent(given -> outputs.addAll(given.outputs()));
    return outputs;
  }
}
