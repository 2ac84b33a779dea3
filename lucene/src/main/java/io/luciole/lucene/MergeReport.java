package io.luciole.lucene;

import java.util.List;

/**
 * What {@link IndexMerge} did.
 *
 * @param shards how many shards were read
 * @param documents the documents of each index that was made, in the order of the targets
 * @param duplicates the ids that more than one shard had, of which one document each was kept
 * @param duplicateIds the first of them in the order of their UTF-8 bytes, at most {@value
 *     AddedIndexes#MAX_IDS}
 */
public record MergeReport(
    int shards, List<Long> documents, long duplicates, List<String> duplicateIds) {
  /** Copies the lists. */
  public MergeReport {
    documents = List.copyOf(documents);
    duplicateIds = List.copyOf(duplicateIds);
  }
}
