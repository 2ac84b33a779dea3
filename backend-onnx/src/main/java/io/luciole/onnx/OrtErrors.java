package io.luciole.onnx;

import ai.onnxruntime.OrtException;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.util.Locale;
import java.util.stream.Stream;

/** Turns ONNX Runtime's one checked exception into ours. It has no code for lack of memory. */
final class OrtErrors {
  private static final String[] OUT_OF_MEMORY = {
    "failed to allocate memory",
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",
    "available memory of", // BFCArena: "Available memory of X is smaller than requested bytes of Y"
    "cudaerrormemoryallocation",
    "cuda failure 2:"
  };

  private OrtErrors() {}

  /** The failure of an action, given as "running a batch of …". */
  static BackendException of(String action, OrtException e) {
    String message = String.valueOf(e.getMessage());
    if (isOutOfMemory(message)) {
      return new BackendOutOfMemoryException("Out of memory " + action + ": " + message, e);
    }
    return new BackendException("ONNX Runtime failed " + action + ": " + message, e);
  }

  static boolean isOutOfMemory(String message) {
    String lower = message.toLowerCase(Locale.ROOT);
    return Stream.of(OUT_OF_MEMORY).anyMatch(lower::contains);
  }
}
