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
  /** {@return what the source is called in messages, a path usually} */
  String name();

  /**
   * Identifies the state of the source, so that an interrupted run can be resumed: two sources with
   * the same identity give the same documents in the same order.
   *
   * @return the identity; empty if it is not known, and then nothing is resumed
   */
  default String identity() {
    return "";
  }

  /**
   * Where the document stands that {@link #next} gave last, for messages: a file and a line,
   * usually. Not to be asked between {@link #hasNext} and {@link #next}.
   *
   * @return the position; the source's {@link #name} if it knows no more
   */
  default String position() {
    return name();
  }

  /** {@return how much of the source has been read, about, from 0 to 1; NaN if it is not known} */
  double fractionRead();

  /**
   * Reads the next document.
   *
   * @return the document
   * @throws SourceException if it cannot be read
   * @throws NoSuchElementException after the last
   */
  @Override
  SourceDocument next();

  /** Releases the source's files. A second call does nothing. */
  @Override
  void close();

  /**
   * Makes a source of an iterator.
   *
   * @param name what the source is called in messages
   * @param documents the documents
   * @return the source
   */
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
