package io.luciole.testkit;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** Adds the seed of a randomised test class to the failures of its tests. */
final class SeedPrinter implements TestExecutionExceptionHandler {
  private final long seed;

  SeedPrinter(long seed) {
    this.seed = seed;
  }

  @Override
  public void handleTestExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    failure.addSuppressed(
        new AssertionError("to repeat this one, set -Dluciole.testkit.seed=" + seed) {
          private static final long serialVersionUID = 1L;

          @Override
          public synchronized Throwable fillInStackTrace() {
            return this;
          }
        });
    throw failure;
  }
}
