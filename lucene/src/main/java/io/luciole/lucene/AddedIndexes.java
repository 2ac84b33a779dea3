package io.luciole.lucene;

import java.util.List;

/**
 * What {@link HybridIndexer#addIndexes} did.
 *
 * @param documents the documents that were added, without those that lost to another of the same id
 * @param duplicates the ids that more than one of the indexes had
 * @param duplicateIds the first of them in the order of their UTF-8 bytes, at most {@value
 *     #MAX_IDS}
 */
public record AddedIndexes(long documents, long duplicates, List<String> duplicateIds) {
  /** The most ids that are named. */
  public static final int MAX_IDS = 100;

  /** Copies the list. */
  public AddedIndexes {
    duplicateIds = List.copyOf(duplicateIds);
  }
}
