package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.util.Set;

/** Searches an index. Safe for use by many threads. */
public final class HybridSearcher implements AutoCloseable {
  private HybridSearcher() {}

  /**
   * Opens an index for search by words alone.
   *
   * @throws IndexException if the folder holds no index that Luciole wrote, or a newer one
   */
  public static HybridSearcher open(Path index) {
    return NotYet.built();
  }

  /**
   * Opens an index. The engine stays the caller's to close.
   *
   * @throws IndexException if the folder holds no index that Luciole wrote, a newer one, or another
   *     model's; the message names both models
   */
  public static HybridSearcher open(Path index, EmbeddingEngine engine) {
    return NotYet.built();
  }

  /** Searches with all legs there are; see {@link HybridQuery#of}. */
  public SearchResult search(String text) {
    return search(HybridQuery.of(text));
  }

  /**
   * Searches. Blocks until the result is there.
   *
   * @throws IllegalArgumentException if a leg is asked for that the index or the engine has not
   */
  public SearchResult search(HybridQuery query) {
    return NotYet.built();
  }

  /** The legs that can be asked for. */
  public Set<Leg> legs() {
    return NotYet.built();
  }

  /** The index's fields. */
  public HybridSchema schema() {
    return NotYet.built();
  }

  /** The number of documents, deleted ones not counted. */
  public int documents() {
    return NotYet.built();
  }

  /**
   * Sees what was committed since the index was opened or last refreshed.
   *
   * @return whether anything changed
   */
  public boolean refresh() {
    return NotYet.built();
  }

  /** Gives the index's files back; searches under way end first. Closing twice does nothing. */
  @Override
  public void close() {
    NotYet.<Object>built();
  }
}
