package io.luciole.server;

import com.google.inject.Inject;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How much is under way, and whether more may come. What is refused is told when to try again, by
 * how fast tokens have been done lately.
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

  /** Takes a request in; {@link #leave} when it is answered. */
  void enter() {
    if (requests.incrementAndGet() > maxRequests) {
      requests.decrementAndGet();
      refused.incrementAndGet();
      throw Problem.overloaded(
          "More than " + maxRequests + " requests are under way; try again later.",
          retryAfterSeconds());
    }
  }

  void leave() {
    requests.decrementAndGet();
  }

  /** Takes tokens in, all or none; {@link #done} with as many in all when they are computed. */
  void reserve(long count) {
    // One request that is larger than the bound may go when nothing else is under way.
    if (tokens.addAndGet(count) > maxTokens && tokens.get() != count) {
      tokens.addAndGet(-count);
      refused.incrementAndGet();
      throw Problem.overloaded(
          "More than " + maxTokens + " tokens wait for the model; try again later.",
          retryAfterSeconds());
    }
  }

  void done(long count) {
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
