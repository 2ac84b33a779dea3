package io.luciole.lucene;

import java.time.Duration;

/**
 * How far an indexing run is.
 *
 * @param documents documents written so far
 * @param failed documents that failed so far
 * @param tokens tokens embedded so far
 * @param fraction the share of the source that has been read, from 0 to 1; NaN if it is not known
 * @param elapsed the time since the start
 */
public record IndexingProgress(
    long documents, long failed, long tokens, double fraction, Duration elapsed) {}
