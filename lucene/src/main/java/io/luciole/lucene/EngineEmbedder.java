package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.model.ModelFingerprint;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Embeds queries by an engine of this JVM. */
record EngineEmbedder(EmbeddingEngine engine) implements QueryEmbedder {
  @Override
  public Set<Output> outputs() {
    return engine.backend().outputs();
  }

  @Override
  public CompletableFuture<Embedding> embed(String text, EmbedOptions options) {
    return engine.embed(text, options);
  }

  @Override
  public Optional<ModelFingerprint> fingerprint() {
    return Optional.of(engine.fingerprint());
  }

  @Override
  public String token(int tokenId) {
    return engine.decodeToken(tokenId);
  }
}
