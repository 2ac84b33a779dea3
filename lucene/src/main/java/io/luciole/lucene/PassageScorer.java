package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Scores passages of a query, to rerank hits by ({@link HybridQuery#rerank(PassageScorer, int)}): a
 * {@link CrossEncoder} of this JVM, or anything that asks another service. Called by many threads
 * at once.
 */
public interface PassageScorer {
  /**
   * Scores passages. May block while too many wait, at most until the deadline.
   *
   * @param query the query
   * @param passages the passages, each with its document's title before it
   * @param options the lane, and the deadline of the search if it has one
   * @return a future of a score for each passage, in their order: the larger, the more relevant.
   *     The searcher cancels it if it does not wait any more. If it fails with {@link
   *     io.luciole.DeadlineExceededException}, hits keep their order; with another failure, so does
   *     the search
   */
  CompletableFuture<List<Float>> score(String query, List<String> passages, EmbedOptions options);

  /**
   * Returns the scorer that asks a reranker.
   *
   * @param reranker the reranker; it stays the caller's to close
   * @return the scorer
   */
  static PassageScorer of(CrossEncoder reranker) {
    return new CrossEncoderScorer(requireNonNull(reranker, "reranker"));
  }
}
