package io.luciole.lucene;

import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A source that must read a document to know whether there is one. If reading ahead fails, {@link
 * #next} throws the failure, so that it comes in its place among the documents.
 */
abstract class LookAheadSource implements DocumentSource {
  private @Nullable SourceDocument ahead;
  private @Nullable SourceException failure;
  private boolean ended;

  /** The next document, or null at the end. */
  abstract @Nullable SourceDocument read();

  @Override
  public final boolean hasNext() {
    if (ahead == null && failure == null && !ended) {
      try {
        ahead = read();
        ended = ahead == null;
      } catch (SourceException e) {
        failure = e;
      }
    }
    return !ended;
  }

  @Override
  public final SourceDocument next() {
    if (!hasNext()) {
      throw new NoSuchElementException(name() + " has no more documents");
    }
    if (failure != null) {
      SourceException met = failure;
      failure = null;
      ended = !met.canContinue();
      throw met;
    }
    SourceDocument document = ahead;
    ahead = null;
    if (document == null) {
      throw new NoSuchElementException(name() + " has no more documents");
    }
    return document;
  }
}
