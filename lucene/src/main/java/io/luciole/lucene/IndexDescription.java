package io.luciole.lucene;

import io.luciole.model.ModelFingerprint;
import java.nio.file.Path;

/**
 * What an index is, read without its model.
 *
 * @param path its folder
 * @param schema its fields
 * @param fingerprint the model of its vectors
 * @param documents the number of documents, deleted ones not counted
 * @param segments the number of Lucene segments
 * @param bytes its size on disk
 */
public record IndexDescription(
    Path path,
    HybridSchema schema,
    ModelFingerprint fingerprint,
    long documents,
    int segments,
    long bytes) {
  /**
   * Reads an index's description.
   *
   * @throws IndexException if the folder holds no index that Luciole wrote
   */
  public static IndexDescription read(Path index) {
    return NotYet.built();
  }
}
