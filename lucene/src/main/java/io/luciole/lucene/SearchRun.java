package io.luciole.lucene;

import io.luciole.DeadlineExceededException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingInterruptedException;
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
import java.util.stream.Collectors;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TaskExecutor;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;
import org.jspecify.annotations.Nullable;

/** One search: embeds the query, runs the legs, fuses, reranks. Used once, by one thread. */
final class SearchRun {
  private static final Duration LONGEST = Duration.ofDays(36_525);

  private final IndexSearcher searcher;
  private final long view;
  private final HybridQuery query;
  private final Set<Leg> asked;
  private final Context context;
  private final Arranger arranger;
  private final long start = System.nanoTime();
  private final long timeout;
  private final CompletableFuture<Embedding> embedding;
  private List<Integer> steps;
  private volatile long embeddedAfter;

  /**
   * What all searches of a searcher share.
   *
   * @param embedder embeds queries, or null
   * @param threads what legs run on, or null for the threads of the {@link IndexSearcher}
   */
  record Context(
      IndexLayout layout,
      LegQueries queries,
      @Nullable QueryEmbedder embedder,
      @Nullable Executor threads) {
    Context(IndexLayout layout, @Nullable QueryEmbedder embedder, @Nullable Executor threads) {
      this(layout, new LegQueries(layout), embedder, threads);
    }

    /** The vectors that the embedder gives of a query. */
    Set<Output> outputs() {
      return embedder == null ? Set.of() : embedder.outputs();
    }

    /** What a query's filter accepts, without passages and without what is deleted softly. */
    Query documents(IndexSearcher searcher, HybridQuery query) {
      return LiveReader.live(searcher.getIndexReader(), queries.whole(query.filter().orElse(null)));
    }

    private TaskExecutor tasks(IndexSearcher searcher) {
      return threads == null ? searcher.getTaskExecutor() : new TaskExecutor(threads);
    }
  }

  /**
   * A leg's list, how many documents it counted, and whether time ran out before it was complete.
   */
  private record Found(LegResult result, TotalHits matches, boolean incomplete) {}

  SearchRun(
      IndexSearcher searcher,
      long view,
      HybridQuery query,
      Set<Leg> asked,
      Context context,
      Arranger arranger) {
    this.searcher = searcher;
    this.view = view;
    this.query = query;
    this.asked = counted(query, asked);
    this.context = context;
    this.arranger = arranger;
    this.steps = DepthSteps.of(query);
    this.timeout = query.timeout().map(SearchRun::nanos).orElse(0L);
    this.embedding = embed();
  }

  /** The legs whose weight is not 0. */
  private static Set<Leg> counted(HybridQuery query, Set<Leg> asked) {
    for (Leg leg : query.weighted()) {
      if (query.options(leg).weight() > 0 && !asked.contains(leg)) {
        throw new IllegalArgumentException(
            "There is a weight for " + leg.id() + ", but the legs that search are " + ids(asked));
      }
    }
    EnumSet<Leg> counted = EnumSet.copyOf(asked);
    counted.removeIf(leg -> query.options(leg).weight() == 0);
    if (counted.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected a leg of a weight above 0, got weight 0 for all of " + ids(asked));
    }
    return counted;
  }

  private static String ids(Set<Leg> legs) {
    return legs.stream().map(Leg::id).collect(Collectors.joining(", "));
  }

  /** Longer timeouts have no number of nanoseconds. */
  private static long nanos(Duration timeout) {
    return timeout.compareTo(LONGEST) < 0 ? timeout.toNanos() : LONGEST.toNanos();
  }

  private boolean outOfTime() {
    return timeout > 0 && System.nanoTime() - start >= timeout;
  }

  private CompletableFuture<Embedding> embed() {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    asked.forEach(leg -> leg.output().ifPresent(outputs::add));
    query.rerank().ifPresent(rerank -> outputs.addAll(rerank.outputs()));
    QueryEmbedder embedder = context.embedder();
    Embedding given = query.embedding().orElse(null);
    if (given != null && given.outputs().containsAll(outputs)) {
      return CompletableFuture.completedFuture(given);
    }
    if (outputs.isEmpty() || embedder == null) {
      return CompletableFuture.completedFuture(Embedding.absent());
    }
    EmbedOptions options = EmbedOptions.query().outputs(outputs);
    if (timeout > 0) {
      options = options.timeout(Duration.ofNanos(timeout));
    }
    return embedder
        .embed(query.text(), options)
        .whenComplete((done, failed) -> embeddedAfter = System.nanoTime() - start);
  }

  /** The query's vectors, or null if time runs out first. */
  private @Nullable Embedding embedded() {
    return await(embedding, "The query could not be embedded");
  }

  /** What a future completes with, or null if time runs out first. */
  private <T> @Nullable T await(CompletableFuture<T> future, String failed) {
    try {
      return timeout > 0
          ? future.get(Math.max(0, timeout - (System.nanoTime() - start)), TimeUnit.NANOSECONDS)
          : future.get();
    } catch (TimeoutException e) {
      return null;
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof DeadlineExceededException) {
        return null;
      }
      if (cause instanceof LucioleException known) {
        throw known;
      }
      throw new LucioleException(failed + ": " + cause, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EmbeddingInterruptedException("Interrupted while the search waited for a model");
    }
  }

  /** The answer, fused in each of several ways. */
  List<SearchResult> run(List<Fusion> fusions) throws IOException {
    List<FacetCounts> facets = arranger.counts(searcher, context.documents(searcher, query));
    List<SearchResult> answers = runOnce(fusions, facets);
    while (arranger.collapses() && isShort(answers) && !outOfTime()) {
      steps = DepthSteps.upTo(steps.get(steps.size() - 1) + 1L);
      answers = runOnce(fusions, facets);
    }
    return answers;
  }

  /** Whether collapsing left a page short that longer lists might fill. */
  private boolean isShort(List<SearchResult> answers) {
    int longest = steps.get(steps.size() - 1);
    boolean more = answers.get(0).legs().values().stream().anyMatch(list -> list.size() >= longest);
    return more
        && longest < DepthSteps.LAST
        && !arranger.sorts()
        && !query.hasDepth()
        && answers.stream().anyMatch(answer -> answer.hits().size() < query.top());
  }

  private List<SearchResult> runOnce(List<Fusion> fusions, List<FacetCounts> facets)
      throws IOException {
    TotalHits matches = new TotalHits(0, TotalHits.Relation.EQUAL_TO);
    List<LegResult> results = new ArrayList<>();
    Set<Leg> incomplete = EnumSet.noneOf(Leg.class);
    for (Found found : runLegs()) {
      results.add(found.result());
      matches = most(matches, found.matches());
      if (found.incomplete()) {
        incomplete.add(found.result().leg());
      }
    }
    HitBuilder builder = new HitBuilder(searcher.getIndexReader(), context);
    Map<Leg, List<ScoredId>> lists = new EnumMap<>(Leg.class);
    for (LegResult result : results) {
      lists.put(result.leg(), builder.ids(result.hits()));
    }
    Embedding vectors = embedded();
    QueryTraits traits = QueryTraits.of(asked, context.embedder(), query.text());
    List<SearchResult> answers = new ArrayList<>(fusions.size());
    for (Fusion fusion : fusions) {
      FusedList fused =
          FusedList.of(
              fusion,
              results.stream()
                  .map(result ->
                      result.weighted(result.weight() * fusion.factor(result.leg(), traits)))
                  .toList(),
              steps);
      List<Reranker.Ranked> ranking = rerank(fused, vectors);
      boolean partial = !incomplete.isEmpty() || ranking == null;
      if (ranking == null) {
        ranking = Reranker.asIs(fused);
      }
      int found = ranking.size();
      ranking = arranger.arrange(searcher, ranking);
      answers.add(
          new SearchResult(
              builder.hits(fused, ranking, query, vectors),
              builder.scored(ranking),
              lists,
              partial,
              incomplete,
              Duration.ofNanos(System.nanoTime() - start),
              Duration.ofNanos(embeddedAfter),
              vectors == null || vectors.outputs().isEmpty() ? 0 : vectors.tokenCount(),
              view,
              docs(ranking),
              matches.value() >= found ? matches : atLeast(found),
              facets));
    }
    return answers;
  }

  private static TotalHits atLeast(long count) {
    return new TotalHits(count, TotalHits.Relation.GREATER_THAN_OR_EQUAL_TO);
  }

  /** What of two legs is known of the number of documents that either matches. */
  private static TotalHits most(TotalHits a, TotalHits b) {
    return a.value() == 0 ? b : b.value() == 0 ? a : atLeast(Math.max(a.value(), b.value()));
  }

  static TopDocs docs(List<Reranker.Ranked> ranking) {
    ScoreDoc[] docs = new ScoreDoc[ranking.size()];
    for (int i = 0; i < docs.length; i++) {
      Reranker.Ranked ranked = ranking.get(i);
      docs[i] = new ScoreDoc(ranked.entry().doc(), (float) ranked.score());
    }
    return new TopDocs(
        new TotalHits(docs.length, TotalHits.Relation.GREATER_THAN_OR_EQUAL_TO), docs);
  }

  private @Nullable List<Reranker.Ranked> rerank(FusedList fused, @Nullable Embedding vectors)
      throws IOException {
    HybridQuery.Rerank how = query.rerank().orElse(null);
    RerankByModel byModel = query.rerankByModel().orElse(null);
    if (byModel != null) {
      return rerankByModel(fused, byModel, vectors);
    }
    if (how == null) {
      return Reranker.asIs(fused);
    }
    if (vectors == null) {
      return null;
    }
    return new Reranker(
            searcher.getIndexReader(), context.queries().vectors(), context.tasks(searcher))
        .rerank(fused, how, vectors, this::outOfTime);
  }

  private @Nullable List<Reranker.Ranked> rerankByModel(
      FusedList fused, RerankByModel how, @Nullable Embedding vectors) throws IOException {
    List<FusedList.Entry> best =
        fused.entries().subList(0, Math.min(how.depth(), fused.entries().size()));
    long left = timeout - (System.nanoTime() - start);
    if (timeout > 0 && left <= 0) {
      return null;
    }
    EmbedOptions options = EmbedOptions.query();
    CompletableFuture<List<Float>> scoring =
        new ModelReranker(
                searcher.getIndexReader(),
                context.layout(),
                context.queries(),
                query.text(),
                vectors)
            .scores(
                best,
                how.scorer(),
                timeout > 0 ? options.timeout(Duration.ofNanos(left)) : options);
    try {
      List<Float> scores = await(scoring, "The hits could not be scored");
      return scores == null ? null : ModelReranker.ranked(fused, scores);
    } finally {
      scoring.cancel(false);
    }
  }

  private List<Found> runLegs() throws IOException {
    List<Callable<Found>> calls = new ArrayList<>();
    // BM25 first: the caller's thread runs it while the query is embedded.
    for (Leg leg : asked.stream().sorted(Collections.reverseOrder()).toList()) {
      calls.add(() -> runLeg(leg));
    }
    List<Found> found =
        new ArrayList<>(
            LegTasks.invokeAll(
                context.threads(),
                searcher.getTaskExecutor(),
                calls,
                () -> {
                  boolean unused = embedding.cancel(false);
                }));
    Collections.reverse(found);
    return found;
  }

  private Found runLeg(Leg leg) throws IOException {
    HybridQuery.LegOptions options = query.options(leg);
    Embedding vectors = leg.output().isEmpty() ? Embedding.absent() : embedded();
    if (vectors == null) {
      return new Found(new LegResult(leg, options.weight(), List.of(), false), atLeast(0), true);
    }
    IndexSearcher timed = timed();
    int depth = depth(leg);
    TopDocs top = hits(leg, timed, vectors, depth);
    List<ScoreDoc> hits = List.of(top.scoreDocs);
    // A search of the graph that ends early does not tell the searcher.
    boolean incomplete = timeout > 0 && (timed.timedOut() || (leg == Leg.DENSE && outOfTime()));
    boolean isAll = leg != Leg.DENSE && !incomplete && hits.size() < depth;
    return new Found(
        new LegResult(leg, options.weight(), hits, isAll),
        incomplete ? atLeast(hits.size()) : top.totalHits,
        incomplete);
  }

  private int depth(Leg leg) {
    return query.hasDepth() ? query.options(leg).depth() : steps.get(steps.size() - 1);
  }

  private TopDocs hits(Leg leg, IndexSearcher timed, Embedding vectors, int depth)
      throws IOException {
    Query filter =
        LegQueries.both(
            LegQueries.both(query.filter().orElse(null), query.options(leg).filter()),
            LiveReader.filter(timed.getIndexReader()));
    LegQueries of = context.queries();
    return switch (leg) {
      case BM25 ->
          VectorSearch.top(timed, of.bm25(query.text(), query.wordBoosts(), filter), depth);
      case SPARSE -> of.vectors().topSparse(timed, vectors.sparse(), depth, filter);
      case DENSE -> {
        List<ScoreDoc> nearest = dense(timed, vectors.dense(), depth, filter);
        yield new TopDocs(atLeast(nearest.size()), nearest.toArray(ScoreDoc[]::new));
      }
    };
  }

  /**
   * A deeper search of the graph may find others among its first than a shorter one. So the list of
   * each step begins with that of the step before.
   */
  private List<ScoreDoc> dense(
      IndexSearcher timed, float[] vector, int depth, @Nullable Query filter) throws IOException {
    List<ScoreDoc> hits = List.of();
    for (int step : query.hasDepth() ? List.of(depth) : steps) {
      List<ScoreDoc> longer =
          List.of(context.queries().vectors().topDense(timed, vector, step, filter).scoreDocs);
      hits = hits.isEmpty() ? longer : followedBy(hits, longer);
    }
    return hits;
  }

  private static List<ScoreDoc> followedBy(List<ScoreDoc> first, List<ScoreDoc> longer) {
    Set<Integer> found = first.stream().map(hit -> hit.doc).collect(Collectors.toSet());
    List<ScoreDoc> all = new ArrayList<>(first);
    longer.stream().filter(hit -> !found.contains(hit.doc)).forEach(all::add);
    return all;
  }

  /** A searcher of the same view that stops when time runs out; each leg has one of its own. */
  private IndexSearcher timed() {
    if (timeout == 0) {
      return searcher;
    }
    IndexSearcher timed = new IndexSearcher(searcher.getIndexReader(), context.threads());
    timed.setSimilarity(searcher.getSimilarity());
    timed.setQueryCache(searcher.getQueryCache());
    timed.setQueryCachingPolicy(searcher.getQueryCachingPolicy());
    timed.setTimeout(this::outOfTime);
    return timed;
  }
}
