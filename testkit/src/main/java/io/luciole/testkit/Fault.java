package io.luciole.testkit;

import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.TokenBatch;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** What can go wrong, or slowly, in a run of a {@link FakeBackend}. */
public interface Fault {
  /**
   * Called before a run computes anything, on the thread that runs: may sleep, block or throw.
   *
   * @param batch the batch
   */
  default void before(TokenBatch batch) {}

  /**
   * Called when a run has computed its values: may change or replace them.
   *
   * @param batch the batch
   * @param values the values to be returned
   */
  default void after(TokenBatch batch, Values values) {}

  /** What a run is about to return; arrays may be replaced. Null for what was not asked for. */
  final class Values {
    /** {@code [B, D]}. */
    public float @Nullable [] dense;

    /** {@code [T]}. */
    public float @Nullable [] tokenWeights;

    /** {@code [T, D']}. */
    public float @Nullable [] tokenVectors;

    Values() {}
  }

  /** A run takes a time: sleeping, so that a busy device costs the test's machine nothing. */
  static Fault delay(ToLongFunction<TokenBatch> nanos) {
    return new Fault() {
      @Override
      public void before(TokenBatch batch) {
        long end = System.nanoTime() + nanos.applyAsLong(batch);
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
          LockSupport.parkNanos(left);
        }
      }
    };
  }

  /** A run takes a time. */
  static Fault delay(Duration time) {
    return delay(batch -> time.toNanos());
  }

  /** A batch of more padded tokens than this does not fit the device's memory. */
  static Fault memory(long paddedTokens) {
    return failing(
        batch -> (long) batch.size() * batch.maxLength() > paddedTokens,
        "no room for the batch",
        true);
  }

  /** Batches that match fail. */
  static Fault throwing(Predicate<TokenBatch> which) {
    return failing(which, "a fault that was asked for", false);
  }

  /** Batches that match run out of memory. */
  static Fault outOfMemory(Predicate<TokenBatch> which) {
    return failing(which, "out of memory, as was asked for", true);
  }

  private static Fault failing(Predicate<TokenBatch> which, String what, boolean memory) {
    return new Fault() {
      @Override
      public void before(TokenBatch batch) {
        if (which.test(batch)) {
          String message = what + ": " + batch;
          throw memory
              ? new BackendOutOfMemoryException(message, new IllegalStateException(message))
              : new BackendException(message);
        }
      }
    };
  }

  /** The dense vectors of texts that hold a token are NaN. */
  static Fault nan(int tokenId) {
    return new Fault() {
      @Override
      public void after(TokenBatch batch, Values values) {
        float[] dense = values.dense;
        if (dense == null) {
          return;
        }
        int dimension = dense.length / batch.size();
        for (int i = 0; i < batch.size(); i++) {
          if (holds(batch, i, tokenId)) {
            dense[i * dimension + dimension / 2] = Float.NaN;
          }
        }
      }
    };
  }

  /** The last row is missing from the dense vectors of batches that match. */
  static Fault missingRow(Predicate<TokenBatch> which) {
    return new Fault() {
      @Override
      public void after(TokenBatch batch, Values values) {
        float[] dense = values.dense;
        if (dense != null && which.test(batch)) {
          values.dense = Arrays.copyOf(dense, dense.length - dense.length / batch.size());
        }
      }
    };
  }

  /** Matches batches that hold a token. */
  static Predicate<TokenBatch> holding(int tokenId) {
    return batch -> {
      for (int i = 0; i < batch.tokens(); i++) {
        if (batch.tokenIds()[i] == tokenId) {
          return true;
        }
      }
      return false;
    };
  }

  /**
   * Matches batches at random.
   *
   * @param share of 0 to 1
   * @param seed the same seed gives the same choices, batch by batch
   */
  static Predicate<TokenBatch> randomly(double share, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return batch -> {
      synchronized (random) {
        return random.nextDouble() < share;
      }
    };
  }

  private static boolean holds(TokenBatch batch, int text, int tokenId) {
    for (int t = batch.offset(text); t < batch.offset(text + 1); t++) {
      if (batch.tokenIds()[t] == tokenId) {
        return true;
      }
    }
    return false;
  }
}
