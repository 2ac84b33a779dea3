package io.luciole;

/** How urgent a text is. Interactive texts go before bulk ones; neither lane is starved. */
public enum Lane {
  /** Somebody waits for this text: a query, usually. */
  INTERACTIVE,
  /** Throughput matters and not the moment: indexing, usually. */
  BULK
}
