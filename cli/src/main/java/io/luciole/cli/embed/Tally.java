package io.luciole.cli.embed;

import java.util.List;

/** Counts outcomes and identifies their texts. For one thread. */
final class Tally {
  private final TextChain chain;
  private long texts;
  private long embedded;
  private long tokens;
  private long truncated;

  /** Goes on from a checkpoint. */
  Tally(Checkpoint from) {
    chain = new TextChain(from.chain());
    texts = from.texts();
    embedded = from.embedded();
    tokens = from.tokens();
    truncated = from.truncated();
  }

  void add(Outcome outcome) {
    texts++;
    switch (outcome) {
      case Outcome.Embedded done -> {
        chain.add(done.item());
        embedded++;
        tokens += done.embedding().tokenCount();
        truncated += done.embedding().truncated() ? 1 : 0;
      }
      case Outcome.Failed failed -> chain.add(failed.item());
    }
  }

  EmbedOutput.Counts counts() {
    return new EmbedOutput.Counts(texts, embedded, tokens, truncated);
  }

  /** The counts as a checkpoint, with where the files end. */
  Checkpoint at(long errors, List<Long> positions) {
    return new Checkpoint(texts, embedded, tokens, truncated, chain.toString(), errors, positions);
  }
}
