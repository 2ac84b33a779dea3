package io.luciole.lucene;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.apache.lucene.util.IOSupplier;

/**
 * Runs what uses Lucene's writer on a thread that nobody interrupts: an interrupt closes the file
 * channel that is being written, and with that the writer fails for good. A platform thread, since
 * a merge computes for long.
 */
final class Uninterrupted {
  private Uninterrupted() {}

  /**
   * Runs an action on another thread and waits for its end, also when the calling thread is
   * interrupted, whose interrupt flag is set afterwards.
   *
   * @param action must not need a lock that the calling thread holds
   * @return what the action returned
   * @throws Exception what the action threw
   */
  static <T> T call(Callable<T> action) throws Exception {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread unused =
        Thread.ofPlatform()
            .daemon()
            .name("luciole-uninterrupted")
            .start(() -> {
              try {
                result.complete(action.call());
              } catch (Throwable t) {
                // Once more, since what it throws may itself be one, which join would unwrap.
                result.completeExceptionally(new CompletionException(t));
              }
            });
    try {
      // Does not end with an interrupt, and keeps the flag.
      return result.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case Exception cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw e;
      }
    }
  }

  /** As {@link #call}, for what reads or writes. */
  static <T> T io(IOSupplier<T> action) throws IOException {
    try {
      return call(action::get);
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** As {@link #call}, for what throws nothing that is checked. */
  static void run(Runnable action) {
    try {
      Object unused =
          io(() -> {
            action.run();
            return true;
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
