package io.luciole.server;

import com.google.inject.Inject;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Limits the requests in progress and the tokens that wait for the model. A refused request is told
 * when to try again, estimated from the rate at which tokens were computed lately. Safe for use by
 * many threads.
 */
final class RequestLimiter {
  private static final long WINDOW_NANOS = 2_000_000_000L;
  private static final long MOST_SECONDS = 60;

  private final int maxRequests;
  private final long maxTokens;
  private final LongSupplier clock;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong tokens = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private long windowStart;
  private long doneInWindow;
  private double tokensPerSecond;

  @Inject
  RequestLimiter(ServerConfig config) {
    this(config.limits(), System::nanoTime);
  }

  RequestLimiter(ServerConfig.Limits limits, LongSupplier clock) {
    this.maxRequests = limits.maxRequests();
    this.maxTokens = limits.maxWaitingTokens();
    this.clock = clock;
    this.windowStart = clock.getAsLong();
  }

  /**
   * Counts a request, or throws a {@link Problem}; call {@link #endRequest} when it is answered.
   */
  void beginRequest() {
    if (requests.incrementAndGet() > maxRequests) {
      requests.decrementAndGet();
      refused.incrementAndGet();
      throw Problem.overloaded(
          "More than " + maxRequests + " requests are under way; try again later.",
          retryAfterSeconds());
    }
  }

  void endRequest() {
    requests.decrementAndGet();
  }

  /**
   * Counts tokens, all or none, or throws a {@link Problem}; call {@link #releaseTokens} with as
   * many in total when they are computed.
   */
  void reserveTokens(long count) {
    // A single request that exceeds the limit is accepted when no other tokens wait.
    if (tokens.addAndGet(count) > maxTokens && tokens.get() != count) {
      tokens.addAndGet(-count);
      refused.incrementAndGet();
      throw Problem.overloaded(
          "More than " + maxTokens + " tokens wait for the model; try again later.",
          retryAfterSeconds());
    }
  }

  /** Tokens that count among those that wait until they are released. Released once. */
  interface Reservation {
    void release();
  }

  /** Counts tokens as {@link #reserveTokens} does, of texts that the model does not compute. */
  Reservation reserve(long count) {
    reserveTokens(count);
    return () -> tokens.addAndGet(-count);
  }

  void releaseTokens(long count) {
    tokens.addAndGet(-count);
    synchronized (this) {
      long now = clock.getAsLong();
      doneInWindow += count;
      if (now - windowStart >= WINDOW_NANOS) {
        tokensPerSecond = doneInWindow * 1e9 / (now - windowStart);
        windowStart = now;
        doneInWindow = 0;
      }
    }
  }

  private synchronized long retryAfterSeconds() {
    double seconds = tokensPerSecond > 0 ? tokens.get() / tokensPerSecond : 1;
    return Math.clamp((long) Math.ceil(seconds), 1, MOST_SECONDS);
  }

  int requests() {
    return requests.get();
  }

  long tokens() {
    return tokens.get();
  }

  long refused() {
    return refused.get();
  }
}
