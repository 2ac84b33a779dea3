package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Documents one after another, from a file, a folder or anywhere. For one thread.
 *
 * <p>{@link #next} throws {@link SourceException} for a document that cannot be read; if {@link
 * SourceException#canContinue} the next call gives the one after it.
 */
public interface DocumentSource extends Iterator<SourceDocument>, AutoCloseable {
  /** What people know the source by: a path, usually. */
  String name();

  /**
   * Which state of which source this is, so that an interrupted run can be resumed: two sources
   * with the same identity give the same documents in the same order. Empty if nobody knows; then
   * nothing is resumed.
   */
  default String identity() {
    return "";
  }

  /**
   * How much of the source has been read, from 0 to 1, or NaN if nobody knows. It need not be
   * exact.
   */
  double fractionRead();

  /**
   * The next document.
   *
   * @throws SourceException if it cannot be read
   * @throws NoSuchElementException after the last
   */
  @Override
  SourceDocument next();

  /** Gives files back. Closing twice does nothing. */
  @Override
  void close();

  /** A source over any iterator. */
  static DocumentSource of(String name, Iterator<SourceDocument> documents) {
    requireNonNull(name, "name");
    requireNonNull(documents, "documents");
    return new DocumentSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public double fractionRead() {
        return Double.NaN;
      }

      @Override
      public boolean hasNext() {
        return documents.hasNext();
      }

      @Override
      public SourceDocument next() {
        return documents.next();
      }

      @Override
      public void close() {}
    };
  }
}
