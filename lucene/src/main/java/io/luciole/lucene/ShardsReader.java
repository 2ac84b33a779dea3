package io.luciole.lucene;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexCommit;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * The last commits of several indexes as one reader, whose segments are those of all of them, in
 * their order. Word statistics are those of all segments together, as in one index. All indexes
 * have the schema and the model of the first.
 */
final class ShardsReader extends DirectoryReader {
  private final List<Object> places;
  private final List<DirectoryReader> shards;

  /** Takes over the readers' references. */
  private ShardsReader(List<Object> places, List<DirectoryReader> shards) throws IOException {
    super(shards.get(0).directory(), segments(shards), null);
    this.places = places;
    this.shards = shards;
  }

  private static LeafReader[] segments(List<DirectoryReader> shards) {
    return shards.stream()
        .flatMap(shard -> shard.leaves().stream())
        .map(LeafReaderContext::reader)
        .toArray(LeafReader[]::new);
  }

  /**
   * Opens the last commits.
   *
   * @param places where the indexes are, for people
   * @param directories theirs, at least one; they stay the caller's to close
   * @throws IndexException if one is no index of Luciole's, or differs in schema or model
   */
  static ShardsReader open(List<?> places, List<Directory> directories) throws IOException {
    List<DirectoryReader> readers = new ArrayList<>();
    try {
      for (Directory directory : directories) {
        readers.add(DirectoryReader.open(directory));
      }
      return of(List.copyOf(places), readers);
    } catch (IOException | RuntimeException e) {
      IOUtils.closeWhileHandlingException(readers);
      throw e;
    }
  }

  private static ShardsReader of(List<Object> places, List<DirectoryReader> shards)
      throws IOException {
    CommitMark first = mark(places.get(0), shards.get(0));
    for (int i = 1; i < shards.size(); i++) {
      mark(places.get(i), shards.get(i)).requireAlike(places.get(i), places.get(0), first);
    }
    try {
      return new ShardsReader(places, List.copyOf(shards));
    } catch (CorruptIndexException e) {
      // What Lucene calls so are too many documents; the shards themselves were opened.
      throw new IndexException(
          "The indexes "
              + places
              + " have too many documents to be searched as one: "
              + shards.stream().mapToLong(DirectoryReader::maxDoc).sum()
              + ", deleted ones and passages included. Search fewer of them at a time.",
          e);
    }
  }

  private static CommitMark mark(Object place, DirectoryReader shard) throws IOException {
    return CommitMark.parse(place, shard.getIndexCommit().getUserData());
  }

  @Override
  protected @Nullable DirectoryReader doOpenIfChanged() throws IOException {
    List<DirectoryReader> now = new ArrayList<>();
    boolean changed = false;
    boolean opened = false;
    try {
      for (int i = 0; i < shards.size(); i++) {
        DirectoryReader shard = shards.get(i);
        DirectoryReader newer = SameIndex.openIfChanged(places.get(i), shard);
        if (newer == null) {
          shard.incRef();
        }
        changed |= newer != null;
        now.add(newer == null ? shard : newer);
      }
      opened = changed;
      return changed ? of(places, now) : null;
    } catch (IOException | RuntimeException e) {
      opened = false;
      throw e;
    } finally {
      if (!opened) {
        release(now);
      }
    }
  }

  @Override
  protected @Nullable DirectoryReader doOpenIfChanged(@Nullable ExecutorService executor)
      throws IOException {
    return doOpenIfChanged();
  }

  @Override
  protected DirectoryReader doOpenIfChanged(@Nullable IndexCommit commit) {
    throw new UnsupportedOperationException("several indexes have no commit in common");
  }

  @Override
  protected DirectoryReader doOpenIfChanged(
      @Nullable IndexCommit commit, @Nullable ExecutorService executor) {
    return doOpenIfChanged(commit);
  }

  @Override
  protected DirectoryReader doOpenIfChanged(IndexWriter writer, boolean applyAllDeletes) {
    throw new UnsupportedOperationException("several indexes have no writer in common");
  }

  @Override
  protected DirectoryReader doOpenIfChanged(
      IndexWriter writer, boolean applyAllDeletes, @Nullable ExecutorService executor) {
    return doOpenIfChanged(writer, applyAllDeletes);
  }

  /** {@return the sum of the indexes' versions, which grows with each change of any of them} */
  @Override
  public long getVersion() {
    return shards.stream().mapToLong(DirectoryReader::getVersion).sum();
  }

  @Override
  public boolean isCurrent() throws IOException {
    for (DirectoryReader shard : shards) {
      if (!shard.isCurrent()) {
        return false;
      }
    }
    return true;
  }

  /** {@return the commit of the first index, whose mark the others share} */
  @Override
  public IndexCommit getIndexCommit() throws IOException {
    return shards.get(0).getIndexCommit();
  }

  @Override
  protected void doClose() throws IOException {
    release(shards);
  }

  private static void release(List<DirectoryReader> shards) throws IOException {
    IOUtils.close(shards.stream().<Closeable>map(shard -> shard::decRef).toList());
  }

  @Override
  public @Nullable CacheHelper getReaderCacheHelper() {
    return null;
  }
}
