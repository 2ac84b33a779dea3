package io.luciole.lucene;

import io.luciole.model.ModelFingerprint;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ReferenceManager;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOSupplier;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/** What a {@link HybridSearcher} is opened over. What the application gave is left open. */
interface SearcherOrigin {
  /** The mark of the index as it is now, if it bears one. */
  Optional<CommitMark> mark(Object place) throws IOException;

  /** Opens a source of searchers; where that fails, nothing stays open that was opened. */
  SearcherSource open(Opening opening) throws IOException;

  /**
   * What is known when an index is opened.
   *
   * @param place where it is, for people
   * @param executor the application's threads, if it gave any
   * @param schema the schema, or null of fields that have none
   * @param model the model of which every commit must be, or null to leave that to the writer
   * @param queries the model of queries' vectors, or null where that is not known
   */
  record Opening(
      Object place,
      @Nullable Executor executor,
      @Nullable HybridSchema schema,
      @Nullable ModelFingerprint model,
      @Nullable ModelFingerprint queries) {
    /** Refuses a view whose commit bears the mark of another model. */
    void requireModel(IndexSearcher searcher) throws IOException {
      ModelFingerprint expected = queries != null ? queries : model;
      if (expected != null) {
        markOf(place, searcher.getIndexReader())
            .ifPresent(mark -> mark.requireModelOfQueries(place, expected));
      }
    }

    SearchThreads threads() {
      return executor == null ? SearchThreads.own() : SearchThreads.ofApplication(executor);
    }
  }

  /** The last commit of a directory, and after a refresh later ones. */
  record OfDirectory(Directory directory, Closeable owned) implements SearcherOrigin {
    @Override
    public Optional<CommitMark> mark(Object place) throws IOException {
      if (!DirectoryReader.indexExists(directory)) {
        throw IndexProblems.noIndex(place, IndexProblems.whatIsThere(directory));
      }
      return CommitMark.find(place, SegmentInfos.readLatestCommit(directory).getUserData());
    }

    @Override
    public SearcherSource open(Opening opening) throws IOException {
      return commits(opening, () -> DirectoryReader.open(directory), owned);
    }
  }

  /** The last commits of several indexes of ours, and after a refresh later ones. */
  record OfShards(List<Path> folders, List<Directory> directories) implements SearcherOrigin {
    @Override
    public Optional<CommitMark> mark(Object place) {
      return Optional.of(CommitMark.read(folders.get(0), directories.get(0)));
    }

    @Override
    public SearcherSource open(Opening opening) throws IOException {
      return commits(
          opening, () -> ShardsReader.open(folders, directories), () -> IOUtils.close(directories));
    }
  }

  /** What a writer of ours has written, committed or not. */
  record OfWriter(IndexWriter writer) implements SearcherOrigin {
    @Override
    public Optional<CommitMark> mark(Object place) {
      return Optional.empty();
    }

    @Override
    public SearcherSource open(Opening opening) throws IOException {
      SearchThreads threads = opening.threads();
      try {
        SearcherManager manager = new SearcherManager(writer, new Searchers(opening, threads));
        return new SearcherSource.Managed(
            opening.place(), manager, threads.executor(), view -> {}, manager, threads);
      } catch (IOException | RuntimeException e) {
        IOUtils.closeWhileHandlingException(threads);
        throw e;
      }
    }
  }

  /** A reader of the application's. */
  record OfReader(DirectoryReader reader) implements SearcherOrigin {
    @Override
    public Optional<CommitMark> mark(Object place) throws IOException {
      return markOf(place, reader);
    }

    @Override
    public SearcherSource open(Opening opening) {
      SearchThreads threads = opening.threads();
      return new SearcherSource.Fixed(
          new Searchers(opening, threads).searcher(reader), threads.executor(), threads);
    }
  }

  /** A searcher of the application's. */
  record OfSearcher(IndexSearcher searcher) implements SearcherOrigin {
    @Override
    public Optional<CommitMark> mark(Object place) throws IOException {
      return markOf(place, searcher.getIndexReader());
    }

    @Override
    public SearcherSource open(Opening opening) {
      return new SearcherSource.Fixed(searcher, opening.executor(), () -> {});
    }
  }

  /** A manager of the application's. */
  record OfManager(ReferenceManager<IndexSearcher> manager) implements SearcherOrigin {
    @Override
    public Optional<CommitMark> mark(Object place) throws IOException {
      IndexSearcher searcher = manager.acquire();
      try {
        IndexReader reader = searcher.getIndexReader();
        if (reader instanceof DirectoryReader) {
          return markOf(place, reader);
        }
        throw new IllegalArgumentException(
            "expected a manager of searchers of DirectoryReaders, got one of "
                + reader.getClass().getSimpleName());
      } finally {
        manager.release(searcher);
      }
    }

    @Override
    public SearcherSource open(Opening opening) {
      return new SearcherSource.Managed(
          opening.place(), manager, opening.executor(), opening::requireModel);
    }
  }

  private static SearcherSource commits(
      Opening opening, IOSupplier<DirectoryReader> commit, Closeable owned) throws IOException {
    SearchThreads threads = opening.threads();
    DirectoryReader reader = null;
    try {
      reader = LiveReader.of(commit.get());
      CommitManager manager =
          new CommitManager(opening.place(), reader, new Searchers(opening, threads));
      return new SearcherSource.Managed(
          opening.place(), manager, threads.executor(), view -> {}, manager, threads, owned);
    } catch (IOException | RuntimeException e) {
      IOUtils.closeWhileHandlingException(reader, threads);
      throw e;
    }
  }

  private static Optional<CommitMark> markOf(Object place, IndexReader reader) throws IOException {
    return reader instanceof DirectoryReader of
        ? CommitMark.find(place, of.getIndexCommit().getUserData())
        : Optional.empty();
  }

  /** Makes searchers of readers of ours; refuses a commit of another model or schema. */
  final class Searchers extends SearcherFactory {
    private final Opening opening;
    private final SearchThreads threads;

    Searchers(Opening opening, SearchThreads threads) {
      this.opening = opening;
      this.threads = threads;
    }

    @Override
    public IndexSearcher newSearcher(IndexReader reader, @Nullable IndexReader previous)
        throws IOException {
      ModelFingerprint model = opening.model();
      if (model != null && reader instanceof DirectoryReader commit) {
        CommitMark mark = CommitMark.parse(opening.place(), commit.getIndexCommit().getUserData());
        mark.requireModel(opening.place(), model);
        if (opening.schema() != null && !mark.schema().equals(opening.schema())) {
          throw new IndexException(
              "The index "
                  + opening.place()
                  + " was made anew with another schema: open another searcher.");
        }
      }
      return searcher(reader);
    }

    IndexSearcher searcher(IndexReader reader) {
      IndexSearcher searcher = new IndexSearcher(reader, threads.executor());
      if (opening.schema() != null) {
        searcher.setSimilarity(WriterConfigs.similarity(opening.schema()));
      }
      return searcher;
    }
  }
}
