package io.luciole.lucene;

import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import io.luciole.PairScore;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Scores passages by a reranker that reads query and passage together. */
record CrossEncoderScorer(CrossEncoder reranker) implements PassageScorer {
  @Override
  public CompletableFuture<List<Float>> score(
      String query, List<String> passages, EmbedOptions options) {
    List<CompletableFuture<PairScore>> pairs = reranker.submitAll(query, passages, options);
    CompletableFuture<List<Float>> all =
        CompletableFuture.allOf(pairs.toArray(CompletableFuture[]::new))
            .thenApply(done -> pairs.stream().map(pair -> pair.join().value()).toList());
    // Whoever waits no longer, or not because one has failed, drops the others.
    var unused =
        all.whenComplete((scores, failure) -> {
          if (failure != null) {
            pairs.forEach(pair -> pair.cancel(false));
          }
        });
    return all;
  }
}
