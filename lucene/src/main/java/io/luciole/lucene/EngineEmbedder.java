package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.model.Familiarity;
import io.luciole.model.ModelFingerprint;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Embeds queries by an engine of this JVM. */
record EngineEmbedder(EmbeddingEngine engine) implements QueryEmbedder {
  /** A language shows in the first characters; no more are tokenised. */
  private static final int READ = 500;

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

  /** By its tokens; see {@link io.luciole.model.ModelDescription#familiarity}. */
  @Override
  public OptionalDouble familiarity(String text) {
    Familiarity familiarity = engine.description().familiarity();
    String read = text.substring(0, Math.min(text.length(), READ));
    int letters = (int) read.codePoints().filter(c -> !Character.isWhitespace(c)).count();
    if (familiarity == null || letters == 0) {
      return OptionalDouble.empty();
    }
    // What is left without special tokens and a prompt.
    int tokens =
        engine.tokenize(read, Role.PASSAGE).length() - engine.tokenize("", Role.PASSAGE).length();
    return OptionalDouble.of(familiarity.of(Math.max(0, tokens), letters));
  }

  @Override
  public String token(int tokenId) {
    return engine.decodeToken(tokenId);
  }
}
