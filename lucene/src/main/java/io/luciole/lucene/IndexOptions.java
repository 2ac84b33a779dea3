package io.luciole.lucene;

import java.util.Optional;

/** How an index is written. Immutable: each method returns a changed copy. */
public final class IndexOptions {
  /** What to do about a document that cannot be read, embedded or written. */
  public enum OnFailure {
    /** Report it and go on. */
    SKIP,
    /** Stop, and leave the index as of its last commit. */
    STOP
  }

  private IndexOptions() {}

  /** The defaults: the model's usual schema, stop at the first failing document. */
  public static IndexOptions defaults() {
    return NotYet.built();
  }

  /** The same with a schema for a new index; an existing index must have the same. */
  public IndexOptions schema(HybridSchema schema) {
    return NotYet.built();
  }

  /** The same with another policy for failing documents. */
  public IndexOptions onFailure(OnFailure policy) {
    return NotYet.built();
  }

  /** The schema for a new index, if one was given. */
  public Optional<HybridSchema> schema() {
    return NotYet.built();
  }
}
