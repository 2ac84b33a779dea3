package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.LucioleException;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ReferenceManager;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOFunction;
import org.apache.lucene.util.ThreadInterruptedException;
import org.jspecify.annotations.Nullable;

/**
 * Searches an index with several legs at once and fuses what they find. Opens an index of Luciole's
 * by {@link #open(Path, EmbeddingEngine) open}, and an application's own index, reader, searcher or
 * manager by {@link #over(IndexSearcher) over}.
 *
 * <p>The query is embedded once, in the engine's interactive lane; the leg {@link Leg#BM25} does
 * not wait for it. Legs, and segments within a leg, run on the searcher's threads (unless an
 * application gives its own, one for each processor) and on the caller's thread.
 *
 * <p>Safe for use by many threads. Each search sees the index as of the last {@link #refresh} or,
 * if it asks for a later page of an earlier result, as of that search.
 */
public final class HybridSearcher implements AutoCloseable {
  private final Object place;
  private final SearcherSource source;
  private final @Nullable HybridSchema schema;
  private final @Nullable ModelFingerprint fingerprint;
  private final SearchRun.Context context;
  private final QueryNeeds needs;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final IndexListeners listeners = new IndexListeners();

  /** The last failure to read the index. */
  private final AtomicReference<@Nullable IndexException> failure = new AtomicReference<>();

  /**
   * Creates a searcher.
   *
   * @param place where the index is, for people
   * @param source gives the views of the index; closed with this
   * @param schema the schema, or null of fields that have none
   * @param fingerprint the model of the vectors, or null where nobody has told it
   */
  HybridSearcher(
      Object place,
      SearcherSource source,
      @Nullable HybridSchema schema,
      @Nullable ModelFingerprint fingerprint,
      SearchRun.Context context) {
    this.place = place;
    this.source = source;
    this.schema = schema;
    this.fingerprint = fingerprint;
    this.context = context;
    this.needs = new QueryNeeds(place, fingerprint, context);
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
    return SearcherBuilder.openFolders(List.of(index), null);
  }

  /**
   * Opens an index.
   *
   * @param index the folder of the index, or of its shards with a {@link ShardManifest}
   * @param engine the engine that embeds queries; it stays the caller's to close
   * @return the searcher
   * @throws IndexException if the folder holds no index that Luciole wrote, one that is newer or
   *     damaged, or one of another model; the message names both models
   */
  public static HybridSearcher open(Path index, EmbeddingEngine engine) {
    return open(List.of(index), engine);
  }

  /**
   * Opens several indexes of one schema and model, such as shards, as one. Scores are those of one
   * index of the same documents, except that approximate lists of dense vectors depend on segments;
   * an id that two indexes have is found twice ({@link IndexMerge}).
   *
   * @param indexes folders as of {@link #open(Path, EmbeddingEngine)}, at least one
   * @param engine the engine that embeds queries; it stays the caller's to close
   * @return the searcher
   * @throws IndexException as {@link #open(Path, EmbeddingEngine)}, or if they differ in schema or
   *     model
   */
  public static HybridSearcher open(List<Path> indexes, EmbeddingEngine engine) {
    return SearcherBuilder.openFolders(indexes, requireNonNull(engine, "engine"));
  }

  /**
   * Opens the index that an indexer writes, near real time: after {@link #refresh} the searcher
   * sees what was written before, committed or not. Close it before the indexer.
   *
   * @param indexer the indexer
   * @param engine the engine that embeds queries; it stays the caller's to close
   * @return the searcher
   * @throws IndexException if the index cannot be read, or the engine runs another model than the
   *     indexer's; the message names both models
   */
  public static HybridSearcher open(HybridIndexer indexer, EmbeddingEngine engine) {
    requireNonNull(indexer, "indexer");
    requireNonNull(engine, "engine");
    Object place = indexer.folder().place();
    new CommitMark(indexer.schema(), indexer.folder().stamp().writer(), "")
        .requireModelOfQueries(place, engine.fingerprint());
    return new SearcherBuilder(place, new SearcherOrigin.OfWriter(indexer.folder().writer()))
        .schema(indexer.schema())
        .engine(engine)
        .open();
  }

  /**
   * Starts to open a searcher over the last commit of a directory; {@link #refresh} goes to later
   * ones. The index may be one of Luciole's or an application's: see {@link SearcherBuilder}.
   *
   * @param directory the directory, which stays the caller's to close
   * @return the builder
   */
  public static SearcherBuilder over(Directory directory) {
    requireNonNull(directory, "directory");
    return new SearcherBuilder(directory, new SearcherOrigin.OfDirectory(directory, () -> {}));
  }

  /**
   * Starts to open a searcher over what an application's reader sees, but for documents that are
   * deleted softly.
   *
   * @param reader the reader, which stays the caller's to close, after this searcher
   * @return the builder
   */
  public static SearcherBuilder over(DirectoryReader reader) {
    requireNonNull(reader, "reader");
    return new SearcherBuilder(reader.directory(), new SearcherOrigin.OfReader(reader));
  }

  /**
   * Starts to open a searcher over what an application's searcher sees, with its similarity, its
   * query cache and, unless others are set, its threads.
   *
   * @param searcher the searcher, whose reader stays the caller's to close, after this searcher
   * @return the builder
   */
  public static SearcherBuilder over(IndexSearcher searcher) {
    requireNonNull(searcher, "searcher");
    Object place =
        searcher.getIndexReader() instanceof DirectoryReader of
            ? of.directory()
            : searcher.getIndexReader();
    return new SearcherBuilder(place, new SearcherOrigin.OfSearcher(searcher));
  }

  /**
   * Starts to open a searcher over an application's manager, such as its {@code SearcherManager}.
   * Each search takes the manager's newest searcher, whoever has refreshed it, and fails with an
   * {@link IndexException} if that one's commit bears the mark of another model.
   *
   * @param manager has searchers of {@code DirectoryReader}s; it stays the caller's to close, after
   *     this searcher
   * @return the builder
   */
  public static SearcherBuilder over(ReferenceManager<IndexSearcher> manager) {
    requireNonNull(manager, "manager");
    return new SearcherBuilder("of the manager", new SearcherOrigin.OfManager(manager));
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
   * @throws IllegalArgumentException if the query names a leg that the index does not have, gives a
   *     weight to a leg that does not search or weight 0 to all, reranks by vectors that the index
   *     does not keep, boosts titles whose words it does not keep apart, or arranges by a field
   *     that the schema does not declare; or if a vector of the query's that is searched or
   *     reranked by has a component that is not finite, or larger than 1e15 in absolute value
   * @throws IllegalStateException if this searcher is closed, or a leg needs an engine and the
   *     searcher was opened without
   * @throws LucioleException if the query cannot be embedded, the index cannot be read, or, an
   *     {@link EmbeddingInterruptedException}, this thread is interrupted; its flag is set again
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
    boolean listing = ListingRun.isAskedBy(query);
    Set<Leg> asked = listing ? Set.of() : needs.legs(query);
    needs.requireRerank(query);
    context.queries().requireTitles(query.wordBoosts());
    Arranger arranger = new Arranger(query.arrangement(), schema);
    IndexSearcher searcher = acquire(query.view());
    try {
      long view = source.record(searcher);
      if (listing) {
        SearchResult list = new ListingRun(searcher, view, query, context, arranger).run();
        return listeners.searched(Collections.nCopies(fusions.size(), list));
      }
      return listeners.searched(
          new SearchRun(searcher, view, query, asked, context, arranger).run(fusions));
    } catch (AlreadyClosedException e) {
      throw closedAlready();
    } catch (ThreadInterruptedException e) {
      throw LegTasks.interruption(e);
    } catch (IOException e) {
      throw unreadable(e);
    } finally {
      release(searcher);
    }
  }

  private IndexSearcher acquire(OptionalLong view) {
    if (closed.get()) {
      throw closedAlready();
    }
    try {
      return view.isEmpty() ? source.acquire() : source.acquire(view.getAsLong());
    } catch (AlreadyClosedException e) {
      throw closedAlready();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  private IndexException unreadable(IOException e) {
    IndexException reason = IndexProblems.unreadable(place, e);
    failure.set(reason);
    return reason;
  }

  /**
   * Whether an exception tells that this searcher could not read its index. Of several that are
   * thrown at the same time, it is the last.
   */
  boolean failedBy(IndexException e) {
    return e.equals(failure.get());
  }

  private static IllegalStateException closedAlready() {
    return new IllegalStateException("this searcher is closed; open another");
  }

  private void release(IndexSearcher searcher) {
    try {
      source.release(searcher);
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /**
   * {@return the legs that can search: those of the index for which the engine gives the output}
   */
  public Set<Leg> legs() {
    return needs.legs();
  }

  /**
   * Adds a listener for searches.
   *
   * @param listener is told of each search from now on
   */
  public void addListener(IndexListener listener) {
    listeners.add(listener);
  }

  /**
   * Returns the schema of the index.
   *
   * @return the schema
   * @throws IllegalStateException if the searcher was opened over {@link SearcherBuilder#vectors},
   *     which are no schema
   */
  public HybridSchema schema() {
    if (schema == null) {
      throw new IllegalStateException("the searcher was opened over vectors; it has no schema");
    }
    return schema;
  }

  /**
   * Returns the model of the index's vectors.
   *
   * @return its fingerprint
   * @throws IllegalStateException if neither a {@link CommitMark} of the index nor the embedder of
   *     queries tells it
   */
  public ModelFingerprint fingerprint() {
    if (fingerprint == null) {
      throw new IllegalStateException(
          "neither the index's commit nor the embedder of queries tells the model");
    }
    return fingerprint;
  }

  LegQueries queries() {
    return context.queries();
  }

  /**
   * Tells whether the index has a document with an id, by the terms of the field of ids.
   *
   * @param id the id
   * @return whether there is one
   * @throws IndexException if the index cannot be read
   * @throws IllegalStateException if the field of ids has doc values or stored values, but no terms
   */
  public boolean contains(String id) {
    Query one = ofIds(List.of(requireNonNull(id, "id")));
    return read(searcher -> LiveReader.count(searcher, one)) > 0;
  }

  /**
   * Documents with one of some ids, by the terms of this searcher's field of ids.
   *
   * @throws IllegalStateException if the field has no terms
   */
  Query ofIds(Collection<String> ids) {
    String field = context.layout().id();
    return read(searcher -> {
      DocumentIds.requireTerms(searcher.getIndexReader(), field);
      return MetadataFilters.ids(field, ids);
    });
  }

  /** {@return the number of documents, without deleted ones and without passages} */
  public int documents() {
    return count(context.queries().all());
  }

  /**
   * Counts the documents that match a filter, without deleted ones and without passages.
   *
   * @param filter the filter, such as one of {@link MetadataFilters}
   * @return their exact number
   * @throws IndexException if the index cannot be read
   */
  public int count(Query filter) {
    Query whole = context.queries().whole(requireNonNull(filter, "filter"));
    return read(searcher -> LiveReader.count(searcher, whole));
  }

  /**
   * Makes later searches see what was committed since the index was opened or last refreshed.
   *
   * @return whether anything changed
   * @throws IndexException if the index was made anew with another schema or model, or its files
   *     were deleted and those of another index are there; the searcher goes on with the state that
   *     it had
   */
  public boolean refresh() {
    if (closed.get()) {
      throw closedAlready();
    }
    try {
      return Uninterrupted.io(source::refresh);
    } catch (AlreadyClosedException e) {
      throw closedAlready();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /**
   * Hands out the searcher of the newest view, for everything that Lucene offers beside: sorting,
   * facets, collectors, stored fields.
   *
   * @param action what to do with the searcher, which is released afterwards
   * @param <T> what the action gives
   * @return what the action gave
   * @throws IllegalStateException if this searcher is closed
   * @throws IndexException if the action finds the index damaged, which is where Lucene throws a
   *     {@link CorruptIndexException} or the like
   * @throws UncheckedIOException if the action throws any other {@link IOException}
   */
  public <T> T withSearcher(IOFunction<IndexSearcher, T> action) {
    return with(OptionalLong.empty(), action, this::failureOf);
  }

  /**
   * Hands out the searcher of the view in which a result was found, whose numbers {@link
   * SearchResult#docs} has:
   *
   * <pre>{@code
   * SearchResult result = hybrid.search("insects that glow");
   * TopDocs byPrice = hybrid.withSearcher(result, searcher ->
   *     searcher.search(
   *         new RankedDocsQuery(searcher.getIndexReader(), result.docs()),
   *         10,
   *         new Sort(new SortField("price", SortField.Type.LONG))));
   * }</pre>
   *
   * @param result a result of this searcher
   * @param action what to do with the searcher, which is released afterwards
   * @param <T> what the action gives
   * @return what the action gave
   * @throws ViewGoneException if the index has changed and the view is no longer kept
   * @throws IllegalStateException if this searcher is closed
   * @throws IndexException if the action finds the index damaged, which is where Lucene throws a
   *     {@link CorruptIndexException} or the like
   * @throws UncheckedIOException if the action throws any other {@link IOException}
   */
  public <T> T withSearcher(SearchResult result, IOFunction<IndexSearcher, T> action) {
    return with(OptionalLong.of(result.view()), action, this::failureOf);
  }

  /**
   * As {@link #withSearcher}, where every {@link IOException} tells that the index is unreadable.
   */
  <T> T read(IOFunction<IndexSearcher, T> action) {
    return with(OptionalLong.empty(), action, this::unreadable);
  }

  /** The failure of an application's action, which may have read or written other things, too. */
  private RuntimeException failureOf(IOException e) {
    return IndexProblems.isSignOfDamage(e) ? unreadable(e) : new UncheckedIOException(e);
  }

  private <T> T with(
      OptionalLong view,
      IOFunction<IndexSearcher, T> action,
      Function<IOException, RuntimeException> failed) {
    IndexSearcher searcher = acquire(view);
    try {
      return action.apply(searcher);
    } catch (ThreadInterruptedException e) {
      throw LegTasks.interruption(e);
    } catch (IOException e) {
      throw failed.apply(e);
    } finally {
      release(searcher);
    }
  }

  /**
   * Releases the index's files, except those of what the application gave. Searches that are
   * running end first; searches that start now fail. A second call does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      source.close();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }
}
