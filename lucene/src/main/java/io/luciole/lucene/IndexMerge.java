package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOUtils;

/**
 * Merges shards into one index or into several, without embedding anything again. The shards stay
 * as they are. Immutable; safe for use by many threads.
 *
 * <pre>{@code
 * MergeReport report = IndexMerge.of(List.of(shards)).into(List.of(index));
 * }</pre>
 */
public final class IndexMerge {
  private final List<Path> shards;
  private final DuplicateIds duplicates;
  private final boolean oneSegment;

  private IndexMerge(List<Path> shards, DuplicateIds duplicates, boolean oneSegment) {
    this.shards = shards;
    this.duplicates = duplicates;
    this.oneSegment = oneSegment;
  }

  /**
   * Starts a merge that refuses ids which more than one shard has, and leaves segments to Lucene's
   * merge policy.
   *
   * @param shards folders of indexes, or of shards with a {@link ShardManifest}; at least one
   * @return the merge
   * @throws IllegalArgumentException if there are none
   * @throws IndexException if a manifest cannot be read
   */
  public static IndexMerge of(List<Path> shards) {
    if (shards.isEmpty()) {
      throw new IllegalArgumentException("expected at least one shard");
    }
    return new IndexMerge(ShardManifest.expand(shards), DuplicateIds.REFUSE, false);
  }

  /**
   * Sets whose document stays if several shards have an id.
   *
   * @param policy whose; the order is that of the shards
   * @return a changed copy
   */
  public IndexMerge duplicates(DuplicateIds policy) {
    return new IndexMerge(shards, requireNonNull(policy, "policy"), oneSegment);
  }

  /**
   * Sets whether each index is merged into one segment, which is searched fastest and takes the
   * longest to make. Beyond some 20 million documents its graph becomes slow to build.
   *
   * @param wanted whether it is
   * @return a changed copy
   */
  public IndexMerge oneSegment(boolean wanted) {
    return new IndexMerge(shards, duplicates, wanted);
  }

  /**
   * Merges. If this fails before the last step, which commits one index after the other, no folder
   * is left behind.
   *
   * @param targets the folders of the indexes to make, none of which exists. Each gets shards that
   *     follow each other, so that the indexes have about the same number of documents
   * @return what was done
   * @throws IllegalArgumentException if there are no targets, or more than shards
   * @throws IndexException if a shard cannot be read or is being written, if shards differ in model
   *     or schema, if ids are refused, if a target exists, if one would have more documents than
   *     Lucene takes, or if one cannot be written
   */
  public MergeReport into(List<Path> targets) {
    requireTargets(targets);
    CommitMark first = firstMark();
    Overlap overlap = compare(first);
    List<HybridIndexer> indexers = new ArrayList<>();
    boolean done = false;
    try {
      for (List<Path> part : split(overlap.documents(), targets.size())) {
        HybridIndexer indexer = open(targets.get(indexers.size()), first, overlap.traits());
        indexers.add(indexer);
        indexer.addIndexes(part, duplicates);
      }
      if (overlap.duplicates() > 0 && targets.size() > 1) {
        deleteLosers(indexers, targets);
      }
      List<Long> documents = new ArrayList<>();
      for (HybridIndexer indexer : indexers) {
        commit(indexer);
        documents.add(documents(indexer));
      }
      done = true;
      return new MergeReport(
          shards.size(), documents, overlap.duplicates(), overlap.duplicateIds());
    } catch (IOException e) {
      throw IndexProblems.unreadable(targets, e);
    } finally {
      indexers.forEach(done ? HybridIndexer::close : HybridIndexer::rollback);
    }
  }

  private void requireTargets(List<Path> targets) {
    if (targets.isEmpty() || targets.size() > shards.size()) {
      throw new IllegalArgumentException(
          "expected from 1 to "
              + shards.size()
              + " indexes to make of "
              + shards.size()
              + " shards, got "
              + targets.size());
    }
    for (Path target : targets) {
      if (Files.exists(target)) {
        throw new IndexException(
            "Expected nothing at " + target + ", found something. Name a new folder.");
      }
    }
  }

  private CommitMark firstMark() {
    Path shard = shards.get(0);
    try (Directory directory = IndexFolder.existing(shard)) {
      return CommitMark.read(shard, directory);
    } catch (IOException e) {
      throw IndexProblems.unreadable(shard, e);
    }
  }

  /** What is known before anything is written. */
  private record Overlap(
      List<Integer> documents, long duplicates, List<String> duplicateIds, IndexTraits traits) {}

  private Overlap compare(CommitMark first) {
    List<Directory> directories = new ArrayList<>();
    List<DirectoryReader> readers = new ArrayList<>();
    try {
      for (Path shard : shards) {
        Directory directory = IndexFolder.existing(shard);
        directories.add(directory);
        CommitMark.read(shard, directory).requireAlike(shard, shards.get(0), first);
        readers.add(LiveReader.open(directory));
      }
      IdOverlap overlap = IdOverlap.find(readers, shards, duplicates);
      overlap.requireNoneRefused();
      return new Overlap(
          readers.stream().map(DirectoryReader::numDocs).toList(),
          overlap.count(),
          overlap.firstIds(),
          IndexTraits.of(readers));
    } catch (IOException e) {
      throw IndexProblems.unreadable(shards, e);
    } finally {
      IOUtils.closeWhileHandlingException(readers);
      IOUtils.closeWhileHandlingException(directories);
    }
  }

  /** Cuts the row of shards into parts of about the same number of documents, none empty. */
  private List<List<Path>> split(List<Integer> documents, int parts) {
    List<List<Path>> split = new ArrayList<>();
    long left = documents.stream().mapToLong(Integer::longValue).sum();
    int from = 0;
    for (int part = 0; part < parts; part++) {
      int others = parts - part - 1;
      long wanted = left / (others + 1);
      int to = from + 1;
      long taken = documents.get(from);
      while (to < shards.size() - others
          && (others == 0 || taken + documents.get(to) / 2 <= wanted)) {
        taken += documents.get(to++);
      }
      split.add(shards.subList(from, to));
      left -= taken;
      from = to;
    }
    return split;
  }

  private HybridIndexer open(Path target, CommitMark mark, IndexTraits traits) {
    WriteOptions options =
        WriteOptions.defaults()
            .schema(mark.schema())
            .bulk(oneSegment)
            .writerConfig(traits::complete);
    return HybridIndexer.open(target, mark.fingerprint(), options);
  }

  /** Deletes what has lost to a document of another target. */
  private void deleteLosers(List<HybridIndexer> indexers, List<Path> targets) throws IOException {
    List<Set<String>> losers = new ArrayList<>();
    List<DirectoryReader> readers = new ArrayList<>();
    try {
      for (HybridIndexer indexer : indexers) {
        readers.add(DirectoryReader.open(indexer.folder().writer()));
      }
      IdOverlap overlap = IdOverlap.find(readers, targets, duplicates);
      for (int i = 0; i < indexers.size(); i++) {
        Set<String> ids = new HashSet<>();
        overlap.losers(i).forEach(id -> ids.add(id.utf8ToString()));
        losers.add(ids);
      }
    } finally {
      IOUtils.closeWhileHandlingException(readers);
    }
    for (int i = 0; i < indexers.size(); i++) {
      long unused = indexers.get(i).delete(losers.get(i));
    }
  }

  private void commit(HybridIndexer indexer) {
    if (oneSegment) {
      indexer.commitMerged();
    } else {
      indexer.commit();
    }
  }

  private static long documents(HybridIndexer indexer) throws IOException {
    try (DirectoryReader reader = DirectoryReader.open(indexer.folder().writer())) {
      return IdOverlap.find(List.of(reader), List.of(""), DuplicateIds.FIRST_WINS).documents(0);
    }
  }
}
