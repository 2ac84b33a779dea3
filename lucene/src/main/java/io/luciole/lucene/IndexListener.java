package io.luciole.lucene;

import java.time.Duration;
import java.util.Optional;

/**
 * Receives what a {@link HybridSearcher} and a {@link HybridIndexer} do, for meters and logs; see
 * {@link HybridSearcher#addListener} and {@link HybridIndexer#addListener}.
 *
 * <p>Called by the thread that searches, writes or commits, and by several at once: return soon.
 * What a listener throws is logged and otherwise ignored.
 */
public interface IndexListener {
  /**
   * Called after each search that gave a result.
   *
   * @param result the result; {@link SearchResult#took} is the search's time. Where the legs were
   *     fused in several ways, that of the first
   */
  default void onSearch(SearchResult result) {}

  /**
   * Called after each document that was put, once it is written or has failed.
   *
   * @param latency the time since it was put, which includes its embedding
   * @param failure why it was not written, or empty if it was: an {@link IllegalArgumentException}
   *     if the document does not fit the index, an {@link IndexException} if the index failed,
   *     otherwise what kept the engine from embedding it
   */
  default void onDocument(Duration latency, Optional<Throwable> failure) {}

  /**
   * Called after each commit that succeeded.
   *
   * @param took how long it took, without a wait for documents that were pending
   */
  default void onCommit(Duration took) {}

  /**
   * Called once when an indexer can no longer write, for instance because its disk is full.
   *
   * @param reason why
   * @param lost how many documents were written, deleted or added since the last commit: these
   *     changes are lost
   */
  default void onFailure(IndexException reason, long lost) {}
}
