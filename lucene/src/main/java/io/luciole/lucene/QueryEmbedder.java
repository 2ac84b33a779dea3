package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.model.ModelFingerprint;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Embeds the queries of a {@link HybridSearcher}: an engine of this JVM, or anything that asks
 * another service for vectors. Called by many threads at once.
 */
public interface QueryEmbedder {
  /** {@return the kinds of vectors that it can give} */
  Set<Output> outputs();

  /**
   * Embeds a query.
   *
   * @param text the query
   * @param options the role of a query, the outputs that are wanted, and how long it may take
   * @return the vectors, at least those that are wanted
   */
  CompletableFuture<Embedding> embed(String text, EmbedOptions options);

  /**
   * Tells which model it runs, so that an index with another model's vectors is refused.
   *
   * @return the fingerprint; empty, the default, if it is not known, and then nothing is compared
   */
  default Optional<ModelFingerprint> fingerprint() {
    return Optional.empty();
  }

  /**
   * Writes a token for people, for {@link Hit#tokens}.
   *
   * @param tokenId the token
   * @return its text; by default its number
   */
  default String token(int tokenId) {
    return Integer.toString(tokenId);
  }

  /**
   * Returns the embedder that asks an engine.
   *
   * @param engine the engine; it stays the caller's to close
   * @return the embedder
   */
  static QueryEmbedder of(EmbeddingEngine engine) {
    return new EngineEmbedder(requireNonNull(engine, "engine"));
  }
}
