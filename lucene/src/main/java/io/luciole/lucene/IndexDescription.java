package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFingerprint;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FilterDirectoryReader;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.Directory;

/**
 * What an index is, read without its model.
 *
 * @param path the folder of the index
 * @param schema its schema
 * @param fingerprint the model of its vectors
 * @param documents the number of documents, without deleted ones
 * @param passages the number of passages into which its documents were cut; 0 where texts are kept
 *     whole
 * @param deleted the number of deleted Lucene documents, passages among them, that still take space
 * @param segments the number of Lucene segments
 * @param bytes its size on disk
 * @param parts the size on disk of each field, or of fields that share files, the largest first;
 *     they add up to {@code bytes}. Dense vectors have parts for what was given (floats, or bytes
 *     with {@link DenseQuantization#BITS_8_ONLY}), what it was quantised to, and the graph
 * @param complete whether the last run that wrote it came to the end of its source; if not, running
 *     it again goes on from the last commit
 */
public record IndexDescription(
    Path path,
    HybridSchema schema,
    ModelFingerprint fingerprint,
    long documents,
    long passages,
    long deleted,
    int segments,
    long bytes,
    Map<String, Long> parts,
    boolean complete) {
  /** Copies the map. */
  public IndexDescription {
    parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /**
   * Reads the description of an index, as of its last commit.
   *
   * @param index the folder of the index
   * @return the description
   * @throws IndexException if the folder holds no index that Luciole wrote
   */
  public static IndexDescription read(Path index) {
    requireNonNull(index, "index");
    LuceneRange.SIZES.require();
    try (Directory directory = IndexFolder.existing(index)) {
      return read(index, directory);
    } catch (IOException e) {
      throw IndexProblems.unreadable(index, e);
    }
  }

  /** Reads the description of the last commit of a folder's directory. */
  static IndexDescription read(Path index, Directory directory) throws IOException {
    while (true) {
      long commit = SegmentInfos.getLastCommitGeneration(directory);
      try {
        return readOnce(index, directory);
      } catch (NoSuchFileException | FileNotFoundException e) {
        // A writer deletes files of a commit once there is a newer one.
        if (SegmentInfos.getLastCommitGeneration(directory) == commit) {
          throw e;
        }
      }
    }
  }

  private static IndexDescription readOnce(Path index, Directory directory) throws IOException {
    CommitMark.read(index, directory);
    try (DirectoryReader reader = LiveReader.open(directory)) {
      CommitMark data = CommitMark.parse(index, reader.getIndexCommit().getUserData());
      Map<String, Long> parts = FieldSizes.of(FilterDirectoryReader.unwrap(reader));
      // Passages are not documents.
      long documents = new IndexSearcher(reader).count(LegQueries.all(data.schema()));
      return new IndexDescription(
          index,
          data.schema(),
          data.fingerprint(),
          documents,
          reader.numDocs() - documents,
          reader.numDeletedDocs(),
          reader.leaves().size(),
          parts.values().stream().mapToLong(Long::longValue).sum(),
          parts,
          SourcePosition.parse(data.position()).done());
    }
  }
}
