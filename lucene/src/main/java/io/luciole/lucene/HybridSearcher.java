package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Path;
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
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.TaskExecutor;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.Directory;
import org.jspecify.annotations.Nullable;

/**
 * Searches an index with several legs at once and fuses what they find.
 *
 * <p>The query is embedded once, in the engine's interactive lane; the leg of words does not wait
 * for that. Legs, and segments within a leg, run on the searcher's threads, as many as there are
 * processors, and on the caller's.
 *
 * <p>Safe for use by many threads. Each search sees the index as of the last {@link #refresh}.
 */
public final class HybridSearcher implements AutoCloseable {
  private final Path path;
  private final @Nullable Directory directory;
  private final SearcherManager manager;
  private final ExecutorService threads;
  private final TaskExecutor tasks;
  private final HybridSchema schema;
  private final ModelFingerprint fingerprint;
  private final @Nullable EmbeddingEngine engine;
  private final LegQueries queries;
  private final AtomicBoolean closed = new AtomicBoolean();

  private HybridSearcher(
      Path path,
      @Nullable Directory directory,
      SearcherManager manager,
      ExecutorService threads,
      HybridSchema schema,
      ModelFingerprint fingerprint,
      @Nullable EmbeddingEngine engine) {
    this.path = path;
    this.directory = directory;
    this.manager = manager;
    this.threads = threads;
    this.tasks = new TaskExecutor(threads);
    this.schema = schema;
    this.fingerprint = fingerprint;
    this.engine = engine;
    this.queries = new LegQueries(schema);
  }

  /**
   * Opens an index for search by words alone.
   *
   * @throws IndexException if the folder holds no index that Luciole wrote, or a newer or damaged
   *     one
   */
  public static HybridSearcher open(Path index) {
    return openCommit(requireNonNull(index, "index"), null);
  }

  /**
   * Opens an index. The engine stays the caller's to close.
   *
   * @throws IndexException if the folder holds no index that Luciole wrote, a newer or damaged one,
   *     or another model's; the message names both models
   */
  public static HybridSearcher open(Path index, EmbeddingEngine engine) {
    return openCommit(requireNonNull(index, "index"), requireNonNull(engine, "engine"));
  }

  /**
   * Opens the index that an indexer writes, near real time: {@link #refresh} sees what was put
   * before it, committed or not. Close it before the indexer.
   */
  public static HybridSearcher open(HybridIndexer indexer, EmbeddingEngine engine) {
    requireNonNull(indexer, "indexer");
    requireNonNull(engine, "engine");
    Path path = indexer.folder().path();
    ExecutorService threads = threads();
    try {
      SearcherManager manager =
          new SearcherManager(
              indexer.folder().writer(), new Searchers(threads, path, indexer.schema(), null));
      return new HybridSearcher(
          path, null, manager, threads, indexer.schema(), engine.fingerprint(), engine);
    } catch (IOException e) {
      threads.shutdown();
      throw CommitData.unreadable(path, e);
    }
  }

  private static HybridSearcher openCommit(Path path, @Nullable EmbeddingEngine engine) {
    ExecutorService threads = null;
    Directory directory = null;
    DirectoryReader reader = null;
    boolean opened = false;
    try {
      directory = IndexFolder.existing(path);
      // The reader's own commit is asked, so that schema and segments are of one moment.
      CommitData.read(path, directory);
      reader = DirectoryReader.open(directory);
      CommitData data = CommitData.parse(path, reader.getIndexCommit().getUserData());
      if (engine != null) {
        data.requireModel(path, engine.fingerprint());
      }
      threads = threads();
      SearcherManager manager =
          new SearcherManager(
              reader, new Searchers(threads, path, data.schema(), data.fingerprint()));
      HybridSearcher searcher =
          new HybridSearcher(
              path, directory, manager, threads, data.schema(), data.fingerprint(), engine);
      opened = true;
      return searcher;
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    } finally {
      if (!opened) {
        closeQuietly(reader, directory);
        if (threads != null) {
          threads.shutdown();
        }
      }
    }
  }

  private static void closeQuietly(@Nullable AutoCloseable... resources) {
    for (AutoCloseable resource : resources) {
      try {
        if (resource != null) {
          resource.close();
        }
      } catch (Exception e) {
        // What led here is thrown.
      }
    }
  }

  private static ExecutorService threads() {
    return Executors.newFixedThreadPool(
        Runtime.getRuntime().availableProcessors(),
        Thread.ofPlatform().name("luciole-search-", 0).daemon().factory());
  }

  private static final class Searchers extends SearcherFactory {
    private final ExecutorService threads;
    private final Path path;
    private final HybridSchema schema;
    private final @Nullable ModelFingerprint model;

    /**
     * Creates a factory.
     *
     * @param model the model that commits must be of, or null where a writer vouches for it
     */
    Searchers(
        ExecutorService threads, Path path, HybridSchema schema, @Nullable ModelFingerprint model) {
      this.threads = threads;
      this.path = path;
      this.schema = schema;
      this.model = model;
    }

    @Override
    public IndexSearcher newSearcher(IndexReader reader, @Nullable IndexReader previous)
        throws IOException {
      if (model != null && previous != null && reader instanceof DirectoryReader commit) {
        CommitData data = CommitData.parse(path, commit.getIndexCommit().getUserData());
        data.requireModel(path, model);
        if (!data.schema().equals(schema)) {
          throw new IndexException(
              "The index " + path + " was made anew with another schema: open another searcher.");
        }
      }
      IndexSearcher searcher = new IndexSearcher(reader, threads);
      searcher.setSimilarity(IndexFolder.similarity(schema));
      return searcher;
    }
  }

  /** Searches with all legs there are; see {@link HybridQuery#of}. */
  public SearchResult search(String text) {
    return search(HybridQuery.of(text));
  }

  /**
   * Searches. Blocks until the result is there.
   *
   * @throws IllegalArgumentException if a leg is asked for that the index has not
   * @throws IllegalStateException if this searcher is closed, or a leg needs an engine and it was
   *     opened without
   * @throws LucioleException if the query cannot be embedded, or the index cannot be read
   */
  public SearchResult search(HybridQuery query) {
    requireNonNull(query, "query");
    return search(query, List.of(query.fusion())).get(0);
  }

  /** As {@link #search(HybridQuery)}, the legs' lists fused in several ways. */
  List<SearchResult> search(HybridQuery query, List<Fusion> fusions) {
    long start = System.nanoTime();
    Set<Leg> asked = asked(query);
    IndexSearcher searcher = acquire();
    try {
      CompletableFuture<Embedding> embedding = embed(query, asked);
      CompletableFuture<Long> embeddedAfter =
          embedding.thenApply(done -> System.nanoTime() - start);
      List<LegResult> results = runLegs(searcher, query, asked, embedding);
      Resolver resolver = new Resolver(searcher.getIndexReader());
      Map<Leg, List<ScoredId>> lists = new EnumMap<>(Leg.class);
      for (LegResult result : results) {
        lists.put(result.leg(), resolver.ids(result.hits()));
      }
      Embedding embedded = embedding.join();
      List<SearchResult> answers = new ArrayList<>(fusions.size());
      for (Fusion fusion : fusions) {
        FusedList fused = FusedList.of(fusion, results);
        List<Hit> hits = resolver.hits(fused, query.top());
        List<ScoredId> all = resolver.scored(fused);
        answers.add(
            new SearchResult(
                hits,
                all,
                lists,
                Duration.ofNanos(System.nanoTime() - start),
                Duration.ofNanos(embeddedAfter.join()),
                embedded.outputs().isEmpty() ? 0 : embedded.tokenCount()));
      }
      return answers;
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    } finally {
      release(searcher);
    }
  }

  private List<LegResult> runLegs(
      IndexSearcher searcher,
      HybridQuery query,
      Set<Leg> asked,
      CompletableFuture<Embedding> embedding)
      throws IOException {
    LegSearch legs = new LegSearch(searcher, schema, queries);
    List<Callable<LegResult>> calls = new ArrayList<>();
    // Words first: the caller's thread takes them while the query is embedded.
    for (Leg leg : asked.stream().sorted(Collections.reverseOrder()).toList()) {
      HybridQuery.LegOptions options = query.options(leg);
      Query filter = both(query.filter().orElse(null), options.filter());
      calls.add(() ->
          switch (leg) {
            case BM25 -> legs.words(query.text(), options, filter);
            case SPARSE -> legs.sparse(joined(embedding).sparse(), options, filter);
            case DENSE -> legs.dense(joined(embedding).dense(), options, filter);
          });
    }
    List<LegResult> results = new ArrayList<>(tasks.invokeAll(calls));
    Collections.reverse(results);
    return results;
  }

  private static @Nullable Query both(@Nullable Query a, @Nullable Query b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return new BooleanQuery.Builder().add(a, Occur.FILTER).add(b, Occur.FILTER).build();
  }

  private CompletableFuture<Embedding> embed(HybridQuery query, Set<Leg> asked) {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    if (asked.contains(Leg.DENSE)) {
      outputs.add(Output.DENSE);
    }
    if (asked.contains(Leg.SPARSE)) {
      outputs.add(Output.SPARSE);
    }
    if (outputs.isEmpty() || engine == null) {
      return CompletableFuture.completedFuture(Embedding.of(null, null, null, 1, false));
    }
    return engine.embed(query.text(), EmbedOptions.query().outputs(outputs));
  }

  private static Embedding joined(CompletableFuture<Embedding> embedding) {
    try {
      return embedding.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof LucioleException cause) {
        throw cause;
      }
      throw new LucioleException("The query could not be embedded: " + e.getCause(), e);
    }
  }

  private Set<Leg> asked(HybridQuery query) {
    Set<Leg> wanted = query.legs().orElseGet(this::legs);
    for (Leg leg : wanted) {
      if (!schema.legs().contains(leg)) {
        throw new IllegalArgumentException(
            "The index " + path + " has the legs " + schema.legs() + ", not " + leg);
      }
      if (!legs().contains(leg)) {
        throw new IllegalStateException(
            "The leg "
                + leg
                + " needs the model "
                + fingerprint.brief()
                + ": open the searcher with an engine that runs it and gives that output");
      }
    }
    return EnumSet.copyOf(wanted);
  }

  private IndexSearcher acquire() {
    if (closed.get()) {
      throw closedAlready();
    }
    try {
      return manager.acquire();
    } catch (AlreadyClosedException e) {
      throw closedAlready();
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    }
  }

  private static IllegalStateException closedAlready() {
    return new IllegalStateException("this searcher is closed; open another");
  }

  private void release(IndexSearcher searcher) {
    try {
      manager.release(searcher);
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    }
  }

  /** The legs that can be asked for: those of the index for which there is an engine. */
  public Set<Leg> legs() {
    EnumSet<Leg> legs = EnumSet.of(Leg.BM25);
    if (engine != null) {
      Set<Output> outputs = engine.backend().outputs();
      if (outputs.contains(Output.DENSE) && schema.dense().isPresent()) {
        legs.add(Leg.DENSE);
      }
      if (outputs.contains(Output.SPARSE) && schema.sparse().isPresent()) {
        legs.add(Leg.SPARSE);
      }
    }
    return legs;
  }

  /** The index's fields. */
  public HybridSchema schema() {
    return schema;
  }

  /** The model of the index's vectors. */
  public ModelFingerprint fingerprint() {
    return fingerprint;
  }

  /** The legs as Lucene queries, for use beside an application's own. */
  public LegQueries queries() {
    return queries;
  }

  /** Whether there is a document of an id. */
  public boolean contains(String id) {
    requireNonNull(id, "id");
    IndexSearcher searcher = acquire();
    try {
      return searcher.count(new TermQuery(new Term(SchemaFields.ID, id))) > 0;
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    } finally {
      release(searcher);
    }
  }

  /** The number of documents, deleted ones not counted. */
  public int documents() {
    IndexSearcher searcher = acquire();
    try {
      return searcher.getIndexReader().numDocs();
    } finally {
      release(searcher);
    }
  }

  /**
   * Sees what was committed since the index was opened or last refreshed.
   *
   * @return whether anything changed
   * @throws IndexException if the index was made anew with another schema or model meanwhile; the
   *     searcher goes on with what it saw
   */
  public boolean refresh() {
    IndexSearcher before = acquire();
    try {
      manager.maybeRefreshBlocking();
      IndexSearcher now = manager.acquire();
      try {
        return version(now) != version(before);
      } finally {
        manager.release(now);
      }
    } catch (AlreadyClosedException e) {
      throw closedAlready();
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    } finally {
      release(before);
    }
  }

  private static long version(IndexSearcher searcher) {
    return searcher.getIndexReader() instanceof DirectoryReader reader ? reader.getVersion() : 0;
  }

  /**
   * Gives the index's files back. Searches under way end first; those that start now fail. Closing
   * twice does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      manager.close();
      threads.close();
      if (directory != null) {
        directory.close();
      }
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    }
  }
}
