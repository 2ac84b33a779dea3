package io.luciole.lucene;

/**
 * What was named is not the index that was asked for: it has vectors of another model, or another
 * schema, or is no index of Luciole's. Nothing is wrong with its files, and trying again does not
 * help: name another folder, use the index's model, or leave the schema to the index. The message
 * says what was expected and what was found.
 */
public class IndexMismatchException extends IndexException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do
   */
  public IndexMismatchException(String message) {
    super(message);
  }
}
