package io.luciole.model.checkpoint;

import io.luciole.LucioleException;
import java.nio.file.Path;

/**
 * A weight file that cannot be read, or does not hold what was asked of it. The message says what
 * was expected, what was found, in which file, and what to do.
 */
public final class CheckpointException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** What to do about a file that was cut short or altered. */
  static final String DAMAGED = "the file is damaged or incomplete: fetch it again";

  private static final int LONGEST_QUOTE = 120;

  /**
   * Makes an exception.
   *
   * @param message what was expected, what was found, in which file, and what to do
   */
  public CheckpointException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a cause.
   *
   * @param message what was expected, what was found, in which file, and what to do
   * @param cause what brought it about
   */
  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }

  static CheckpointException of(String expected, String found, Path file, String advice) {
    return new CheckpointException(message(expected, found, file, advice));
  }

  static CheckpointException of(
      String expected, String found, Path file, String advice, Throwable cause) {
    return new CheckpointException(message(expected, found, file, advice), cause);
  }

  private static String message(String expected, String found, Path file, String advice) {
    return "expected " + expected + ", found " + found + ", in " + file + ": " + advice;
  }

  /** Text out of a file, fit for a message: cut to a bounded length, control characters masked. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("'");
    int end = Math.min(text.length(), LONGEST_QUOTE);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      quoted.append(Character.isISOControl(c) ? '?' : c);
    }
    return quoted.append(end < text.length() ? "…'" : "'").toString();
  }
}
