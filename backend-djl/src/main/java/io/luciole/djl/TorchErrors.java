package io.luciole.djl;

import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.util.Locale;

/** Classifies PyTorch's failures, which all have the same type, by their messages. */
final class TorchErrors {
  private TorchErrors() {}

  /**
   * Converts a failure into an exception of the SPI.
   *
   * @param doing what PyTorch was doing, such as "running 3 texts"
   */
  static BackendException of(String doing, Throwable failure) {
    String text = String.valueOf(failure.getMessage());
    String message = "PyTorch failed in " + doing + ": " + firstLine(text);
    return failure instanceof OutOfMemoryError || isMemory(text)
        ? new BackendOutOfMemoryException(message, failure)
        : new BackendException(message, failure);
  }

  /** Looks for the messages of c10's CPU and CUDA allocators, cuBLAS and std::bad_alloc. */
  private static boolean isMemory(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return lower.contains("out of memory")
        || lower.contains("can't allocate memory")
        || lower.contains("not enough memory")
        || lower.contains("cublas_status_alloc_failed")
        || lower.contains("bad_alloc");
  }

  /** The reason, which follows the traceback of the program if there is one. */
  private static String firstLine(String text) {
    int reason = text.lastIndexOf("RuntimeError:");
    return text.substring(Math.max(reason, 0)).lines().findFirst().orElse("no reason given");
  }
}
