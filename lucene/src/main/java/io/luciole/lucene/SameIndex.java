package io.luciole.lucene;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FilterDirectoryReader;
import org.apache.lucene.index.SegmentCommitInfo;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.index.StandardDirectoryReader;
import org.jspecify.annotations.Nullable;

/**
 * Opens newer commits of an index, and tells where its files are gone and another index was made in
 * their place. Lucene would see no change if both have the same version, which counts changes, and
 * fail where both have a segment of the same name.
 */
final class SameIndex {
  private SameIndex() {}

  /**
   * Opens the last commit, unless the reader has it.
   *
   * @param place where the index is, for people
   * @return a reader of it, or null
   * @throws IndexException if another index is there now that cannot be told from the reader's by
   *     its version, or by the names of its segments
   */
  static @Nullable DirectoryReader openIfChanged(Object place, DirectoryReader reader)
      throws IOException {
    if (FilterDirectoryReader.unwrap(reader) instanceof StandardDirectoryReader commit) {
      SegmentInfos now = SegmentInfos.readLatestCommit(commit.directory());
      if (isReplaced(commit.getSegmentInfos(), now)) {
        throw new IndexException(
            "The index "
                + place
                + " was deleted, and another was made in its place: open another searcher. This one"
                + " sees what it saw last.");
      }
    }
    return DirectoryReader.openIfChanged(reader);
  }

  private static boolean isReplaced(SegmentInfos before, SegmentInfos now) {
    if (Arrays.equals(before.getId(), now.getId())) {
      return false;
    }
    if (before.getVersion() == now.getVersion()) {
      return true;
    }
    Map<String, byte[]> ids = new HashMap<>();
    for (SegmentCommitInfo segment : before) {
      ids.put(segment.info.name, segment.info.getId());
    }
    for (SegmentCommitInfo segment : now) {
      byte[] id = ids.get(segment.info.name);
      if (id != null && !Arrays.equals(id, segment.info.getId())) {
        return true;
      }
    }
    return false;
  }
}
