package io.luciole.lucene;

import io.luciole.EmbeddingEngine;

/**
 * Which fields an index has and how. Written into every commit and read back from it. Immutable.
 */
public final class HybridSchema {
  private HybridSchema() {}

  /** The usual schema for a model: a dense field, a sparse one if it gives weights, and words. */
  public static HybridSchema forEngine(EmbeddingEngine engine) {
    return NotYet.built();
  }

  /** A builder with the usual schema for a model. */
  public static Builder builder(EmbeddingEngine engine) {
    return NotYet.built();
  }

  /** Names of the analysers: {@code standard}, and languages such as {@code en}, {@code de}. */
  public static java.util.Set<String> analyzers() {
    return NotYet.built();
  }

  /** Describes a schema. Not for use by several threads. */
  public static final class Builder {
    Builder() {}

    /**
     * How words are cut, for BM25: {@code standard} (all languages, no stemming), or a language's
     * code such as {@code en} or {@code de}.
     *
     * @throws IllegalArgumentException if there is no such analyser; the message lists them
     */
    public Builder analyzer(String name) {
      return NotYet.built();
    }

    /** The schema. */
    public HybridSchema build() {
      return NotYet.built();
    }
  }
}
