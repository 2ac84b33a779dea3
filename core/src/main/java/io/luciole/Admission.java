package io.luciole;

import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * The bound on the tokens that wait, a {@link TokenGate} for each lane, and what becomes of a text
 * for which there is no room. A text holds room until it leaves for a device or is settled.
 */
final class Admission {
  private final EngineSettings settings;
  private final LongSupplier clock;
  private final BooleanSupplier closed;
  private final TokenGate interactive;
  private final TokenGate bulk;

  /**
   * Begins with all room free.
   *
   * @param closed whether the engine is closed, so that nobody gets in any more
   */
  Admission(EngineSettings settings, LongSupplier clock, BooleanSupplier closed) {
    this.settings = settings;
    this.clock = clock;
    this.closed = closed;
    this.interactive = new TokenGate(settings.maxWaitingTokens());
    this.bulk = new TokenGate(settings.maxWaitingTokens());
  }

  /**
   * Takes room for a text.
   *
   * @param mayReject whether the engine's overload rule applies; without, it waits
   * @return false if the text's deadline passed meanwhile
   * @throws EngineClosedException if the engine was closed meanwhile
   * @throws EngineOverloadedException if too much waits, as the overload rule has it, or the thread
   *     was interrupted while it waited
   */
  boolean admit(Request request, int tokens, boolean mayReject) {
    TokenGate gate = gate(request.lane);
    if (gate.tryAcquire(tokens)) {
      return true;
    }
    if (mayReject && !closed.getAsBoolean() && settings.overload() == Overload.REJECT) {
      throw new EngineOverloadedException(
          "More than "
              + settings.maxWaitingTokens()
              + " tokens wait for the model. Submit less at once, raise"
              + " luciole.max-waiting-tokens, or let the engine block (luciole.overload=block).");
    }
    long limit =
        request.hasDeadline ? request.deadlineNanos - clock.getAsLong() : TokenGate.FOREVER;
    try {
      boolean admitted = gate.acquire(tokens, limit);
      if (closed.getAsBoolean()) {
        if (admitted) {
          gate.release(tokens);
        }
        throw Pipeline.closedException();
      }
      return admitted;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EngineOverloadedException(
          "Interrupted while waiting for room among the texts that wait.");
    }
  }

  /** Gives back what texts of a lane hold, or with a negative number takes more. */
  void release(Lane lane, int tokens) {
    if (tokens != 0) {
      gate(lane).release(tokens);
    }
  }

  /** Tokens that a lane's texts hold. */
  long held(Lane lane) {
    return gate(lane).held();
  }

  /** Sends away those who wait. */
  void close() {
    interactive.close();
    bulk.close();
  }

  private TokenGate gate(Lane lane) {
    return lane == Lane.INTERACTIVE ? interactive : bulk;
  }
}
