package io.luciole.lucene;

/** What {@link HybridIndexer#addIndexes} does about an id that more than one index has. */
public enum DuplicateIds {
  /** Add nothing, and name the ids. */
  REFUSE,
  /** Keep the document of the index that is named last. The index that is added to comes first. */
  LATEST_WINS,
  /** Keep the document of the index that is added to or, if it has none, of that named first. */
  FIRST_WINS
}
