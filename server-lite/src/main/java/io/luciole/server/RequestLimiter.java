package io.luciole.server;

import com.google.inject.Inject;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Limits the requests in progress, the memory of their bodies and the tokens that wait for the
 * models, with {@link Shares} for each caller, and refuses work that cannot be done in its time by
 * the models' present speed. A refused request is told when to try again, or what to do. Safe for
 * use by many threads.
 */
final class RequestLimiter {
  private static final long MOST_SECONDS = 60;

  /** How much longer than its time a request may seem to take; speeds are estimates. */
  private static final double SLACK = 1.25;

  private final ServerConfig.Limits limits;
  private final Shares requests;
  private final BodyMemory bodies;
  private final Shares tokens;
  private final Throughput throughput;
  private final AtomicLong refused = new AtomicLong();

  @Inject
  RequestLimiter(ServerConfig config) {
    this(config.limits(), System::nanoTime);
  }

  RequestLimiter(ServerConfig.Limits limits, LongSupplier clock) {
    this.limits = limits;
    this.requests = new Shares(limits.maxRequests());
    this.bodies =
        new BodyMemory(
            limits.maxBodyMemory().orElseGet(() -> Runtime.getRuntime().maxMemory() / 4));
    this.tokens = new Shares(limits.maxWaitingTokens());
    this.throughput = new Throughput(clock);
  }

  /**
   * Counts a request of a caller's, or throws a {@link Problem}; call {@link #endRequest} when it
   * is answered.
   */
  void beginRequest(String caller) {
    if (!requests.take(caller, 1)) {
      throw overloaded(
          "This caller's share of the "
              + limits.maxRequests()
              + " requests that may be under way is used up; try again later.");
    }
  }

  void endRequest(String caller) {
    requests.give(caller, 1);
  }

  /**
   * Counts tokens of a caller's, all or none, or throws a {@link Problem}; call {@link
   * #releaseTokens} with as many in total when they are computed.
   */
  void reserveTokens(String caller, long count) {
    if (!tryReserveTokens(caller, count)) {
      throw overloaded(
          "This caller's share of the "
              + limits.maxWaitingTokens()
              + " tokens that may wait for the model is used up; try again later.");
    }
  }

  /** As {@link #reserveTokens}; tells whether they were counted. */
  boolean tryReserveTokens(String caller, long count) {
    boolean taken = tokens.take(caller, count);
    throughput.record(tokens.taken(), 0);
    return taken;
  }

  /** Tokens that count among those that wait until they are released. Released once. */
  interface Reservation {
    void release();
  }

  /** Counts tokens as {@link #reserveTokens} does, of texts that the model does not compute. */
  Reservation reserve(String caller, long count) {
    reserveTokens(caller, count);
    return () -> tokens.give(caller, count);
  }

  /** Tokens were computed. */
  void releaseTokens(String caller, long count) {
    throughput.record(tokens.taken(), count);
    tokens.give(caller, count);
  }

  /** Tokens will not be computed. */
  void forgetTokens(String caller, long count) {
    tokens.give(caller, count);
  }

  /**
   * Throws a {@link Problem} if tokens cannot be computed in time, as far as the speed is known.
   *
   * @param caller who wants them
   * @param count how many
   * @param left the time there is
   */
  void requireTime(String caller, long count, Duration left) {
    double speed = throughput.tokensPerSecond();
    if (speed > 0) {
      requireTime(caller, count, speed, left);
    }
  }

  /**
   * The same while they are being computed, by their own progress.
   *
   * @param caller whose they are
   * @param left how many are left
   * @param done how many were computed
   * @param passed in which time
   * @param time the time that is left
   */
  void requireProgress(String caller, long left, long done, Duration passed, Duration time) {
    double speed = Math.max(throughput.tokensPerSecond(), done * 1e9 / passed.toNanos());
    if (left * passed.toNanos() > SLACK * done * time.toNanos()) {
      requireTime(caller, left, speed, time);
    }
  }

  private void requireTime(String caller, long count, double speed, Duration left) {
    double time = left.toNanos() / 1e9 * SLACK;
    if (count / speed > time) {
      refused.incrementAndGet();
      throw Problem.tooLarge(
          null,
          "The request's texts have about "
              + count
              + " tokens, which take about "
              + Math.round(count / speed)
              + " s at the present speed of "
              + Math.round(speed)
              + " tokens a second, and there are "
              + left.toSeconds()
              + " s for them. Send fewer texts in a request, or let requests take longer"
              + " (luciole.server.timeout).");
    }
    double others = tokens.takenByOthers(caller, count) / speed;
    if (count / speed + others > time) {
      refused.incrementAndGet();
      throw Problem.overloaded(
          "So many tokens of others wait for the model that these would not be computed in time;"
              + " try again later, or send fewer texts in a request.",
          seconds(others));
    }
  }

  private Problem overloaded(String message) {
    refused.incrementAndGet();
    double speed = throughput.tokensPerSecond();
    return Problem.overloaded(message, seconds(speed > 0 ? tokens.taken() / speed : 1));
  }

  private static long seconds(double seconds) {
    return Math.clamp((long) Math.ceil(seconds), 1, MOST_SECONDS);
  }

  /** How many callers have requests in progress. */
  int requestingCallers() {
    return requests.callers();
  }

  int requests() {
    return (int) requests.taken();
  }

  long tokens() {
    return tokens.taken();
  }

  BodyMemory bodies() {
    return bodies;
  }

  long refused() {
    return refused.get() + bodies.refused();
  }
}
