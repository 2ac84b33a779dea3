package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.Directory;

/**
 * What an index is, read without its model.
 *
 * @param path its folder
 * @param schema its fields
 * @param fingerprint the model of its vectors
 * @param documents the number of documents, deleted ones not counted
 * @param passages the number of passages that its documents were cut into; 0 where they are kept
 *     whole
 * @param deleted the number of deleted Lucene documents, passages among them, that still take room
 * @param segments the number of Lucene segments
 * @param bytes its size on disk
 * @param parts what each field, or fields that share files, take on disk, the largest first; they
 *     add up to {@code bytes}
 * @param complete whether the last run that wrote it came to the end of its source; if not, running
 *     it again goes on where the commit stands
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
   * Reads an index's description, as of its last commit.
   *
   * @throws IndexException if the folder holds no index that Luciole wrote
   */
  public static IndexDescription read(Path index) {
    requireNonNull(index, "index");
    try (Directory directory = IndexFolder.existing(index)) {
      CommitData.read(index, directory);
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        CommitData data = CommitData.parse(index, reader.getIndexCommit().getUserData());
        Map<String, Long> parts = FieldSizes.of(reader);
        // Passages are not documents.
        long documents = new IndexSearcher(reader).count(new LegQueries(data.schema()).all());
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
    } catch (IOException e) {
      throw CommitData.unreadable(index, e);
    }
  }
}
