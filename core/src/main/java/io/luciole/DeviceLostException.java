package io.luciole;

import io.luciole.spi.BackendException;
import org.jspecify.annotations.Nullable;

/**
 * A device stopped working: it failed a batch and then the smallest text there is, or gave no
 * answer within the time a batch may take. The text may be tried again; the engine reopens the
 * device by itself and says in {@link EmbeddingEngine#health} when it has.
 */
public class DeviceLostException extends BackendException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message for people and the failure beneath it. */
  public DeviceLostException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
