package io.luciole.lucene;

/**
 * The state of the index that a query asked for ({@link HybridQuery#view}) is no longer kept, or
 * never was. The search starts again from its first page.
 */
public class ViewGoneException extends IndexException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message which state is gone and what to do
   */
  public ViewGoneException(String message) {
    super(message);
  }
}
