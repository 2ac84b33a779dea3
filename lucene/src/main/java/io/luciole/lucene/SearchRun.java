package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import io.luciole.Output;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TaskExecutor;
import org.jspecify.annotations.Nullable;

/** One search: embeds the query, runs the legs, fuses, reranks. Used once, by one thread. */
final class SearchRun {
  private final IndexSearcher searcher;
  private final long view;
  private final HybridQuery query;
  private final Set<Leg> asked;
  private final Context context;
  private final long start = System.nanoTime();
  private final long timeout;
  private final CompletableFuture<Embedding> embedding;
  private volatile long embeddedAfter;

  /** What all searches of a searcher share. */
  record Context(
      HybridSchema schema,
      LegQueries queries,
      @Nullable EmbeddingEngine engine,
      Executor threads,
      TaskExecutor tasks) {}

  /** A leg's list, and whether time ran out before it was complete. */
  private record Found(LegResult result, boolean incomplete) {}

  SearchRun(IndexSearcher searcher, long view, HybridQuery query, Set<Leg> asked, Context context) {
    this.searcher = searcher;
    this.view = view;
    this.query = query;
    this.asked = asked;
    this.context = context;
    this.timeout = query.timeout().map(Duration::toNanos).orElse(0L);
    this.embedding = embed();
  }

  private boolean outOfTime() {
    return timeout > 0 && System.nanoTime() - start >= timeout;
  }

  private CompletableFuture<Embedding> embed() {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    asked.forEach(leg -> leg.output().ifPresent(outputs::add));
    query.rerank().ifPresent(rerank -> outputs.addAll(rerank.outputs()));
    EmbeddingEngine engine = context.engine();
    Embedding given = query.embedding().orElse(null);
    if (given != null && given.outputs().containsAll(outputs)) {
      return CompletableFuture.completedFuture(given);
    }
    if (outputs.isEmpty() || engine == null) {
      return CompletableFuture.completedFuture(Embedding.absent());
    }
    EmbedOptions options = EmbedOptions.query().outputs(outputs);
    if (timeout > 0) {
      options = options.timeout(Duration.ofNanos(timeout));
    }
    return engine
        .embed(query.text(), options)
        .whenComplete((done, failed) -> embeddedAfter = System.nanoTime() - start);
  }

  /** The query's vectors, or null if time runs out first. */
  private @Nullable Embedding embedded() {
    try {
      return timeout > 0
          ? embedding.get(Math.max(0, timeout - (System.nanoTime() - start)), TimeUnit.NANOSECONDS)
          : embedding.get();
    } catch (TimeoutException e) {
      return null;
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof TimeoutException) {
        return null;
      }
      if (cause instanceof LucioleException known) {
        throw known;
      }
      throw new LucioleException("The query could not be embedded: " + cause, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LucioleException("Interrupted while the query was embedded", e);
    }
  }

  /** The answer, fused in each of several ways. */
  List<SearchResult> run(List<Fusion> fusions) throws IOException {
    List<LegResult> results = new ArrayList<>();
    Set<Leg> incomplete = EnumSet.noneOf(Leg.class);
    for (Found found : runLegs()) {
      results.add(found.result());
      if (found.incomplete()) {
        incomplete.add(found.result().leg());
      }
    }
    HitBuilder builder = new HitBuilder(searcher.getIndexReader(), context.queries());
    Map<Leg, List<ScoredId>> lists = new EnumMap<>(Leg.class);
    for (LegResult result : results) {
      lists.put(result.leg(), builder.ids(result.hits()));
    }
    Embedding vectors = embedded();
    List<SearchResult> answers = new ArrayList<>(fusions.size());
    for (Fusion fusion : fusions) {
      FusedList fused = FusedList.of(fusion, results);
      List<Reranker.Ranked> ranking = rerank(fused, vectors);
      boolean partial = !incomplete.isEmpty() || ranking == null;
      if (ranking == null) {
        ranking = Reranker.asIs(fused);
      }
      answers.add(
          new SearchResult(
              builder.hits(fused, ranking, query, vectors, context.engine()),
              builder.scored(ranking),
              lists,
              partial,
              incomplete,
              Duration.ofNanos(System.nanoTime() - start),
              Duration.ofNanos(embeddedAfter),
              vectors == null || vectors.outputs().isEmpty() ? 0 : vectors.tokenCount(),
              view));
    }
    return answers;
  }

  private @Nullable List<Reranker.Ranked> rerank(FusedList fused, @Nullable Embedding vectors)
      throws IOException {
    HybridQuery.Rerank how = query.rerank().orElse(null);
    if (how == null) {
      return Reranker.asIs(fused);
    }
    if (vectors == null) {
      return null;
    }
    return new Reranker(searcher.getIndexReader(), context.queries(), context.tasks())
        .rerank(fused, how, vectors, this::outOfTime);
  }

  private List<Found> runLegs() throws IOException {
    List<Callable<Found>> calls = new ArrayList<>();
    // BM25 first: the caller's thread runs it while the query is embedded.
    for (Leg leg : asked.stream().sorted(Collections.reverseOrder()).toList()) {
      calls.add(() -> runLeg(leg));
    }
    List<Found> found = new ArrayList<>(context.tasks().invokeAll(calls));
    Collections.reverse(found);
    return found;
  }

  private Found runLeg(Leg leg) throws IOException {
    HybridQuery.LegOptions options = query.options(leg);
    Query filter = both(query.filter().orElse(null), options.filter());
    Embedding vectors = leg.output().isEmpty() ? Embedding.absent() : embedded();
    if (vectors == null) {
      return new Found(new LegResult(leg, options.weight(), List.of()), true);
    }
    IndexSearcher timed = timed();
    LegSearch search = new LegSearch(timed, context.schema(), context.queries());
    List<ScoreDoc> hits =
        switch (leg) {
          case BM25 -> search.bm25(query.text(), query.wordBoosts(), options, filter);
          case SPARSE -> search.sparse(vectors.sparse(), options, filter);
          case DENSE -> search.dense(vectors.dense(), options, filter);
        };
    // A search of the graph that ends early does not tell the searcher.
    boolean incomplete = timeout > 0 && (timed.timedOut() || (leg == Leg.DENSE && outOfTime()));
    return new Found(new LegResult(leg, options.weight(), hits), incomplete);
  }

  /** A searcher of the same view that stops when time runs out; each leg has one of its own. */
  private IndexSearcher timed() {
    if (timeout == 0) {
      return searcher;
    }
    IndexSearcher timed = new IndexSearcher(searcher.getIndexReader(), context.threads());
    timed.setSimilarity(searcher.getSimilarity());
    timed.setTimeout(this::outOfTime);
    return timed;
  }

  private static @Nullable Query both(@Nullable Query a, @Nullable Query b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return new BooleanQuery.Builder().add(a, Occur.FILTER).add(b, Occur.FILTER).build();
  }
}
