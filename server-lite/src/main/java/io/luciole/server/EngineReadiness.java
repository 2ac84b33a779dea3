package io.luciole.server;

import io.luciole.DeadlineExceededException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether an engine is ready: whether an inference has succeeded within the configured time,
 * be it a client's or a probe. Concurrent callers share one probe. Safe for use by many threads.
 */
final class EngineReadiness {
  private static final Duration PROBE = Duration.ofSeconds(5);

  private final EmbeddingEngine engine;
  private final long withinNanos;
  private @Nullable CompletableFuture<Embedding> probe;
  private volatile long lastSuccess;
  private volatile boolean everSucceeded;

  EngineReadiness(EmbeddingEngine engine, Duration within) {
    this.engine = engine;
    this.withinNanos = within.toNanos();
  }

  /** Records that an inference has succeeded. */
  void recordSuccess() {
    lastSuccess = System.nanoTime();
    everSucceeded = true;
  }

  private boolean isFresh() {
    return everSucceeded && System.nanoTime() - lastSuccess <= withinNanos;
  }

  /** Starts a probe if no success is recent, and does not wait for it. */
  void begin() {
    if (!isFresh()) {
      CompletableFuture<Embedding> unused = probe();
    }
  }

  /** Why the engine is not ready, or null if it is. Runs a probe if no success is recent. */
  @Nullable String reasonNotReady() {
    EngineHealth.State state = engine.health().state();
    if (state == EngineHealth.State.UNHEALTHY || state == EngineHealth.State.CLOSED) {
      return "the engine is " + state;
    }
    if (isFresh()) {
      return null;
    }
    try {
      Embedding done = probe().get(PROBE.toMillis() + 500, TimeUnit.MILLISECONDS);
      if (done.tokenCount() > 0) {
        recordSuccess();
      }
      return null;
    } catch (ExecutionException e) {
      return e.getCause() instanceof DeadlineExceededException
          ? "the model is too busy to answer within " + PROBE.toSeconds() + " s"
          : "the model failed: " + Problems.of(e).text();
    } catch (TimeoutException e) {
      return "the model does not answer";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    } catch (RuntimeException e) {
      return Problems.of(e).text();
    }
  }

  private synchronized CompletableFuture<Embedding> probe() {
    CompletableFuture<Embedding> running = probe;
    if (running == null || running.isDone()) {
      running = engine.embed("ready", EmbedOptions.query().timeout(PROBE));
      probe = running;
    }
    return running;
  }
}
