package io.luciole.lucene;

/** Marks what the next commit builds. */
final class NotYet {
  private NotYet() {}

  @SuppressWarnings("TypeParameterUnusedInFormals")
  static <T> T built() {
    if (NotYet.class.desiredAssertionStatus() || !NotYet.class.isInterface()) {
      throw new UnsupportedOperationException("not built yet");
    }
    throw new AssertionError();
  }
}
