package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.index.SegmentCommitInfo;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.Directory;

/**
 * What an index is, read without its model.
 *
 * @param path its folder
 * @param schema its fields
 * @param fingerprint the model of its vectors
 * @param documents the number of documents, deleted ones not counted
 * @param deleted the number of deleted documents that still take room
 * @param segments the number of Lucene segments
 * @param bytes its size on disk
 * @param complete whether the last run that wrote it came to the end of its source; if not, running
 *     it again goes on where the commit stands
 */
public record IndexDescription(
    Path path,
    HybridSchema schema,
    ModelFingerprint fingerprint,
    long documents,
    long deleted,
    int segments,
    long bytes,
    boolean complete) {
  /**
   * Reads an index's description, as of its last commit.
   *
   * @throws IndexException if the folder holds no index that Luciole wrote
   */
  public static IndexDescription read(Path index) {
    requireNonNull(index, "index");
    try (Directory directory = IndexFolder.existing(index)) {
      CommitData data = CommitData.read(index, directory);
      SegmentInfos infos = SegmentInfos.readLatestCommit(directory);
      long documents = 0;
      long deleted = 0;
      long bytes = 0;
      for (SegmentCommitInfo segment : infos) {
        documents += segment.info.maxDoc() - segment.getDelCount();
        deleted += segment.getDelCount();
        bytes += segment.sizeInBytes();
      }
      return new IndexDescription(
          index,
          data.schema(),
          data.fingerprint(),
          documents,
          deleted,
          infos.size(),
          bytes,
          SourcePosition.parse(data.position()).done());
    } catch (IOException e) {
      throw CommitData.unreadable(index, e);
    }
  }
}
