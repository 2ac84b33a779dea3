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

/**
 * A fault or delay in the runs of a {@link FakeBackend}. The static methods make common ones;
 * implement the interface for others. Called by all threads that run batches.
 */
public interface Fault {
  /**
   * Called before a run computes anything, on the thread of the run. May sleep, block or throw.
   *
   * @param batch the batch of the run
   */
  default void before(TokenBatch batch) {}

  /**
   * Called when a run has computed its values. May change or replace them.
   *
   * @param batch the batch of the run
   * @param values the values that the run will return
   */
  default void after(TokenBatch batch, Values values) {}

  /** The values of a run. Arrays may be replaced; null means that the output was not asked for. */
  final class Values {
    /** Dense vectors, {@code [B, D]}. */
    public float @Nullable [] dense;

    /** Sparse weights, one for each token, {@code [T]}. */
    public float @Nullable [] tokenWeights;

    /** Token vectors, {@code [T, D']}. */
    public float @Nullable [] tokenVectors;

    Values() {}
  }

  /**
   * Makes each run take at least a given time. The run sleeps, so that it uses no processor.
   *
   * @param nanos the time in nanoseconds, by batch
   * @return the fault
   */
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

  /**
   * Makes each run take at least a given time.
   *
   * @param time the time of each run
   * @return the fault
   */
  static Fault delay(Duration time) {
    return delay(batch -> time.toNanos());
  }

  /**
   * Limits the device's memory.
   *
   * @param paddedTokens the largest batch that fits: number of texts times longest text
   * @return a fault that throws {@link BackendOutOfMemoryException} for larger batches
   */
  static Fault memory(long paddedTokens) {
    return failing(
        batch -> (long) batch.size() * batch.maxLength() > paddedTokens,
        "no room for the batch",
        true);
  }

  /**
   * Makes batches fail.
   *
   * @param which selects the batches
   * @return a fault that throws {@link BackendException}
   */
  static Fault throwing(Predicate<TokenBatch> which) {
    return failing(which, "a fault that was asked for", false);
  }

  /**
   * Makes batches run out of memory.
   *
   * @param which selects the batches
   * @return a fault that throws {@link BackendOutOfMemoryException}
   */
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

  /**
   * Puts a NaN into the dense vector of every text that contains a token.
   *
   * @param tokenId the token
   * @return the fault
   */
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

  /**
   * Drops the last dense vector of a batch.
   *
   * @param which selects the batches
   * @return the fault
   */
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

  /**
   * Selects batches that contain a token.
   *
   * @param tokenId the token
   * @return the predicate
   */
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
   * Selects batches at random.
   *
   * @param share the probability for each batch, 0 to 1
   * @param seed the same seed gives the same choices in the same order of calls
   * @return the predicate, safe for use by many threads
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
