package io.luciole.langchain4j;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SearchResult;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/** What the searches of a store and of a retriever have in common. Safe for use by many threads. */
record Searches(EmbeddingEngine engine, HybridSearcher searcher) {
  /**
   * The query with its vectors: those given, and those that are missing.
   *
   * @param besides what is needed whatever the search needs
   */
  HybridQuery embedded(HybridQuery query, Embedding given, Set<Output> besides) {
    Set<Output> missing = needed(query);
    missing.addAll(besides);
    missing.removeAll(given.outputs());
    if (missing.isEmpty()) {
      return query.embedding(given);
    }
    Embedding all =
        engine.embedAll(List.of(query.text()), EmbedOptions.query().outputs(missing)).get(0);
    all = given.has(Output.DENSE) ? all.withDense(given.dense()) : all;
    all = given.has(Output.SPARSE) ? all.withSparse(given.sparse()) : all;
    return query.embedding(given.has(Output.COLBERT) ? all.withColbert(given.colbert()) : all);
  }

  private Set<Output> needed(HybridQuery query) {
    EnumSet<Output> needed = EnumSet.noneOf(Output.class);
    query.legs().orElseGet(searcher::legs).forEach(leg -> leg.output().ifPresent(needed::add));
    query.rerank().ifPresent(rerank -> needed.addAll(rerank.outputs()));
    return needed;
  }

  /** The query with one more filter, if there is one. */
  static HybridQuery filtered(HybridQuery query, @Nullable Query filter) {
    if (filter == null) {
      return query;
    }
    BooleanQuery.Builder both = new BooleanQuery.Builder().add(filter, Occur.FILTER);
    query.filter().ifPresent(own -> both.add(own, Occur.FILTER));
    return query.filter(both.build());
  }

  /**
   * Searches for as many hits as the query asks for. For those that are dropped, others of the
   * fused list take their places.
   *
   * @param relevant makes results of hits, and drops some
   */
  <T> List<T> search(HybridQuery query, Function<SearchResult, List<T>> relevant) {
    SearchResult first = searcher.search(query);
    List<T> found = new ArrayList<>(relevant.apply(first));
    int rest = first.fused().size() - first.hits().size();
    if (found.size() < query.top() && rest > 0) {
      HybridQuery more = query.view(first.view()).offset(first.hits().size()).top(rest);
      found.addAll(relevant.apply(searcher.search(more)));
    }
    return List.copyOf(found.subList(0, Math.min(found.size(), query.top())));
  }
}
