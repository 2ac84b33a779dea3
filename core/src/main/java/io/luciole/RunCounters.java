package io.luciole;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Counts the runs of a device, by lane. Safe for use by many threads. */
final class RunCounters {
  /** The counters of one lane. */
  private static final class Counters {
    private final LongAdder batches = new LongAdder();
    private final LongAdder texts = new LongAdder();
    private final LongAdder tokens = new LongAdder();
    private final LongAdder computedTokens = new LongAdder();
    private final LongAdder failedRuns = new LongAdder();

    EngineStats.Runs sum() {
      return new EngineStats.Runs(
          batches.sum(), texts.sum(), tokens.sum(), computedTokens.sum(), failedRuns.sum());
    }
  }

  private final Map<Lane, Counters> lanes = new EnumMap<>(Lane.class);

  RunCounters() {
    for (Lane lane : Lane.values()) {
      lanes.put(lane, new Counters());
    }
  }

  /** Counts a run. */
  void ran(Lane lane, EngineListener.Outcome outcome, int texts, int tokens, long computed) {
    Counters of = lanes.get(lane);
    if (of == null) {
      return;
    }
    if (outcome == EngineListener.Outcome.COMPUTED) {
      of.batches.increment();
      of.texts.add(texts);
      of.tokens.add(tokens);
      of.computedTokens.add(computed);
    } else {
      of.failedRuns.increment();
    }
  }

  /** The counts so far; has an entry for every lane. */
  Map<Lane, EngineStats.Runs> snapshot() {
    Map<Lane, EngineStats.Runs> sums = new EnumMap<>(Lane.class);
    lanes.forEach((lane, counters) -> sums.put(lane, counters.sum()));
    return sums;
  }
}
