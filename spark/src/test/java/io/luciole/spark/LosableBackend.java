package io.luciole.spark;

import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The backend {@code losable}, whose only device can be lost for a while: then runs fail, and so
 * does opening the device again, a given number of times.
 */
public final class LosableBackend implements BackendProvider {
  private static final AtomicInteger RUNS_LEFT = new AtomicInteger(Integer.MAX_VALUE);
  private static final AtomicInteger OPENINGS_THAT_FAIL = new AtomicInteger();
  private static final AtomicInteger LOSSES = new AtomicInteger();

  private final FakeBackend fake =
      new FakeBackend()
          .faults(
              new Fault() {
                @Override
                public void before(TokenBatch batch) {
                  if (RUNS_LEFT.getAndDecrement() <= 0) {
                    LOSSES.incrementAndGet();
                    throw new BackendException("the device fell off the bus");
                  }
                }
              });

  /** Made by {@code ServiceLoader}. */
  public LosableBackend() {}

  /**
   * Has the device lost soon.
   *
   * @param runs how many more runs succeed
   * @param openings how often opening it fails then, until it works for good
   */
  static void lose(int runs, int openings) {
    LOSSES.set(0);
    OPENINGS_THAT_FAIL.set(openings);
    RUNS_LEFT.set(runs);
  }

  /** How many runs have failed since the device was lost. */
  static int losses() {
    return LOSSES.get();
  }

  @Override
  public String name() {
    return "losable";
  }

  @Override
  public Probe probe() {
    return fake.probe();
  }

  @Override
  public Backend open(ModelFiles model, BackendConfig config) {
    if (RUNS_LEFT.get() <= 0) {
      if (OPENINGS_THAT_FAIL.getAndDecrement() > 0) {
        throw new BackendException("the device is still off the bus");
      }
      RUNS_LEFT.set(Integer.MAX_VALUE);
    }
    return fake.open(model, config);
  }
}
