package io.luciole.djl;

import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.util.Locale;

/** Tells PyTorch's failures apart, which all come as one exception with a text. */
final class TorchErrors {
  private TorchErrors() {}

  /**
   * The failure as the SPI has it.
   *
   * @param doing what was going on, such as "running 3 texts"
   */
  static BackendException of(String doing, Throwable failure) {
    String text = String.valueOf(failure.getMessage());
    String message = "PyTorch failed in " + doing + ": " + firstLine(text);
    return failure instanceof OutOfMemoryError || isMemory(text)
        ? new BackendOutOfMemoryException(message, failure)
        : new BackendException(message, failure);
  }

  /** The words of c10's CPU allocator, of the CUDA allocator, of cuBLAS and of std::bad_alloc. */
  private static boolean isMemory(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return lower.contains("out of memory")
        || lower.contains("can't allocate memory")
        || lower.contains("not enough memory")
        || lower.contains("cublas_status_alloc_failed")
        || lower.contains("bad_alloc");
  }

  /** Behind a traceback of the program, if there is one, stands the reason. */
  private static String firstLine(String text) {
    int reason = text.lastIndexOf("RuntimeError:");
    return text.substring(Math.max(reason, 0)).lines().findFirst().orElse("no reason given");
  }
}
