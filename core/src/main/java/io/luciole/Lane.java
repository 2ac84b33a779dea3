package io.luciole;

/** How urgent a text is. Interactive texts go before bulk texts; neither lane starves. */
public enum Lane {
  /** A user waits for the result: usually a query. */
  INTERACTIVE,
  /** Throughput matters, latency does not: usually indexing. */
  BULK
}
