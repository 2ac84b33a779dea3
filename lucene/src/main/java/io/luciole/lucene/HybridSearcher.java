package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherLifetimeManager;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.TaskExecutor;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.Directory;
import org.jspecify.annotations.Nullable;

/**
 * Searches an index with several legs at once and fuses what they find.
 *
 * <p>The query is embedded once, in the engine's interactive lane; the leg {@link Leg#BM25} does
 * not wait for it. Legs, and segments within a leg, run on the searcher's threads, one for each
 * processor, and on the caller's thread.
 *
 * <p>Safe for use by many threads. Each search sees the index as of the last {@link #refresh} or,
 * if it asks for a later page of an earlier result, as of that search.
 */
public final class HybridSearcher implements AutoCloseable {
  /** How long a view is kept for later pages after the index has changed. */
  private static final Duration VIEWS_KEPT = Duration.ofMinutes(5);

  private final Path path;
  private final @Nullable Directory directory;
  private final SearcherManager manager;
  private final ExecutorService threads;
  private final SearcherLifetimeManager views = new SearcherLifetimeManager();
  private final HybridSchema schema;
  private final ModelFingerprint fingerprint;
  private final @Nullable EmbeddingEngine engine;
  private final SearchRun.Context context;
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
    this.schema = schema;
    this.fingerprint = fingerprint;
    this.engine = engine;
    this.context =
        new SearchRun.Context(
            schema, new LegQueries(schema), engine, threads, new TaskExecutor(threads));
  }

  /**
   * Opens an index to search it by BM25 alone.
   *
   * @param index the folder of the index
   * @return the searcher
   * @throws IndexException if the folder holds no index that Luciole wrote, or one that is newer or
   *     damaged
   */
  public static HybridSearcher open(Path index) {
    return openCommit(requireNonNull(index, "index"), null);
  }

  /**
   * Opens an index.
   *
   * @param index the folder of the index
   * @param engine the engine that embeds queries; it stays the caller's to close
   * @return the searcher
   * @throws IndexException if the folder holds no index that Luciole wrote, one that is newer or
   *     damaged, or one of another model; the message names both models
   */
  public static HybridSearcher open(Path index, EmbeddingEngine engine) {
    return openCommit(requireNonNull(index, "index"), requireNonNull(engine, "engine"));
  }

  /**
   * Opens the index that an indexer writes, near real time: after {@link #refresh} the searcher
   * sees what was written before, committed or not. Close it before the indexer.
   *
   * @param indexer the indexer
   * @param engine the engine that embeds queries; it stays the caller's to close
   * @return the searcher
   * @throws IndexException if the index cannot be read
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
      // Schema and segments come from one commit: the reader's.
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
        // The exception that led here is thrown.
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
     * @param model the model of which every commit must be, or null where a writer ensures that
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

  /**
   * Searches with all legs that there are; see {@link HybridQuery#of}.
   *
   * @param text the text to search for
   * @return the result
   * @throws LucioleException as {@link #search(HybridQuery)}
   */
  public SearchResult search(String text) {
    return search(HybridQuery.of(text));
  }

  /**
   * Searches. Blocks until the result is there.
   *
   * @param query the query
   * @return the result
   * @throws IllegalArgumentException if the query names a leg that the index does not have, reranks
   *     by vectors that it does not keep, or boosts titles whose words it does not keep apart
   * @throws IllegalStateException if this searcher is closed, or a leg needs an engine and the
   *     searcher was opened without
   * @throws LucioleException if the query cannot be embedded, or the index cannot be read
   */
  public SearchResult search(HybridQuery query) {
    requireNonNull(query, "query");
    return search(query, List.of(query.fusion())).get(0);
  }

  /**
   * Searches once and fuses the legs' lists in several ways, to compare them. Else as {@link
   * #search(HybridQuery)}.
   *
   * @param query the query; its own fusion is not used
   * @param fusions the fusions
   * @return a result for each fusion, in their order
   * @throws IllegalArgumentException as {@link #search(HybridQuery)}
   * @throws IllegalStateException as {@link #search(HybridQuery)}
   * @throws LucioleException as {@link #search(HybridQuery)}
   */
  public List<SearchResult> search(HybridQuery query, List<Fusion> fusions) {
    Set<Leg> asked = asked(query);
    requireRerank(query);
    queries().requireTitles(query.wordBoosts());
    IndexSearcher searcher = acquire(query.view());
    try {
      return new SearchRun(searcher, views.record(searcher), query, asked, context).run(fusions);
    } catch (AlreadyClosedException e) {
      throw closedAlready();
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    } finally {
      release(searcher);
    }
  }

  private void requireRerank(HybridQuery query) {
    Set<Output> needed = query.rerank().map(HybridQuery.Rerank::outputs).orElse(Set.of());
    if (!schema.outputs().containsAll(needed)) {
      throw new IllegalArgumentException(
          "Reranking needs "
              + needed
              + ", the index "
              + path
              + " keeps "
              + schema.outputs()
              + "; token vectors are kept if the schema says so");
    }
    if (!outputs(query).containsAll(needed)) {
      throw new IllegalStateException(
          "Reranking needs "
              + needed
              + " of the query: open the searcher with an engine that gives them");
    }
  }

  private Set<Leg> asked(HybridQuery query) {
    Set<Leg> possible = legs(outputs(query));
    Set<Leg> wanted = query.legs().orElse(possible);
    for (Leg leg : wanted) {
      if (!schema.legs().contains(leg)) {
        throw new IllegalArgumentException(
            "The index " + path + " has the legs " + schema.legs() + ", not " + leg);
      }
      if (!possible.contains(leg)) {
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

  /** The vectors of the query that are given or that the engine can make. */
  private Set<Output> outputs(HybridQuery query) {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    if (engine != null) {
      outputs.addAll(engine.backend().outputs());
    }
    // A query's own vectors are used only if they hold all that is needed; else the engine's are.
    query.embedding().ifPresent(given -> outputs.addAll(given.outputs()));
    return outputs;
  }

  private IndexSearcher acquire() {
    return acquire(OptionalLong.empty());
  }

  private IndexSearcher acquire(OptionalLong view) {
    if (closed.get()) {
      throw closedAlready();
    }
    try {
      if (view.isEmpty()) {
        return manager.acquire();
      }
      IndexSearcher kept = views.acquire(view.getAsLong());
      if (kept == null) {
        throw new ViewGoneException(
            "The view "
                + view.getAsLong()
                + " of the index "
                + path
                + " is gone; views are kept for "
                + VIEWS_KEPT.toMinutes()
                + " minutes after the index changed. Search from the first page again.");
      }
      return kept;
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

  /**
   * {@return the legs that can search: those of the index for which the engine gives the output}
   */
  public Set<Leg> legs() {
    return legs(engine == null ? Set.of() : engine.backend().outputs());
  }

  private Set<Leg> legs(Set<Output> outputs) {
    Set<Leg> legs = Leg.of(outputs);
    legs.retainAll(schema.legs());
    return legs;
  }

  /** {@return the schema of the index} */
  public HybridSchema schema() {
    return schema;
  }

  /** {@return the model of the index's vectors} */
  public ModelFingerprint fingerprint() {
    return fingerprint;
  }

  LegQueries queries() {
    return context.queries();
  }

  /**
   * Tells whether the index has a document with an id.
   *
   * @param id the id
   * @return whether there is one
   * @throws IndexException if the index cannot be read
   */
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

  /** {@return the number of documents, without deleted ones and without passages} */
  public int documents() {
    IndexSearcher searcher = acquire();
    try {
      return searcher.count(context.queries().all());
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    } finally {
      release(searcher);
    }
  }

  /**
   * Makes later searches see what was committed since the index was opened or last refreshed.
   *
   * @return whether anything changed
   * @throws IndexException if the index was made anew with another schema or model; the searcher
   *     goes on with the state that it had
   */
  public boolean refresh() {
    IndexSearcher before = acquire();
    try {
      manager.maybeRefreshBlocking();
      views.prune(new SearcherLifetimeManager.PruneByAge(VIEWS_KEPT.toSeconds()));
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
   * Releases the index's files. Searches that are running end first; searches that start now fail.
   * A second call does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      views.close();
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
