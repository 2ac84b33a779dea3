package io.luciole;

import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Bounds the waiting texts and tokens, with {@link TokenPermits} for each lane, and applies the
 * overload rule to a text for which there is no room. A text holds its permits until it goes to a
 * device or is settled. Safe for use by many threads.
 */
final class Admission {
  private final EngineSettings settings;
  private final LongSupplier clock;
  private final BooleanSupplier closed;
  private final TokenPermits interactive;
  private final TokenPermits bulk;

  /**
   * Begins with all permits free.
   *
   * @param closed tells whether the engine is closed, so that no text is admitted any more
   */
  Admission(EngineSettings settings, LongSupplier clock, BooleanSupplier closed) {
    this.settings = settings;
    this.clock = clock;
    this.closed = closed;
    this.interactive = permits(settings);
    this.bulk = permits(settings);
  }

  private static TokenPermits permits(EngineSettings settings) {
    return new TokenPermits(settings.maxWaitingTokens(), settings.maxWaitingTexts());
  }

  /**
   * Takes permits for a text, and blocks until they are free.
   *
   * @param mayReject whether the engine's overload rule applies; if not, the call always blocks
   * @return false if the text's deadline passed while it waited
   * @throws EngineClosedException if the engine was closed while it waited
   * @throws EngineOverloadedException if there is no room and the rule is {@link Overload#REJECT}
   * @throws EmbeddingInterruptedException if the thread was interrupted while it waited
   */
  boolean admit(Request request, int tokens, boolean mayReject) {
    TokenPermits permits = permits(request.lane);
    if (permits.tryAcquire(tokens)) {
      return true;
    }
    if (mayReject && !closed.getAsBoolean() && settings.overload() == Overload.REJECT) {
      throw new EngineOverloadedException(
          "More than "
              + settings.maxWaitingTokens()
              + " tokens"
              + (settings.boundsTexts() ? " or " + settings.maxWaitingTexts() + " texts" : "")
              + " wait for the model. Submit less at once, raise"
              + " luciole.max-waiting-tokens, or let the engine block (luciole.overload=block).");
    }
    long limit =
        request.hasDeadline ? request.deadlineNanos - clock.getAsLong() : TokenPermits.FOREVER;
    try {
      boolean admitted = permits.acquire(tokens, limit);
      if (closed.getAsBoolean()) {
        if (admitted) {
          permits.release(tokens, 1);
        }
        throw Pipeline.closedException();
      }
      return admitted;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EmbeddingInterruptedException(
          "The thread was interrupted while it waited for room among the texts that wait; the text"
              + " was not accepted.");
    }
  }

  /**
   * Returns permits of a lane; a negative number takes some, even if they are not free.
   *
   * @param texts the number of texts that hold no permits any more
   */
  void release(Lane lane, int tokens, int texts) {
    if (tokens != 0) {
      permits(lane).release(tokens, texts);
    }
  }

  /** The permits that the texts of a lane hold. */
  long held(Lane lane) {
    return permits(lane).held();
  }

  /** Fails all waiting callers. */
  void close() {
    interactive.close();
    bulk.close();
  }

  private TokenPermits permits(Lane lane) {
    return lane == Lane.INTERACTIVE ? interactive : bulk;
  }
}
