package io.luciole.server;

import io.helidon.webserver.CloseConnectionException;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Embeds the texts of one request, or scores its pairs. At any time only so many of its tokens wait
 * for the model as keep that busy; the rest follows as they are computed. So a large request leaves
 * room for others, its caller's too. Used by one thread, once.
 */
final class EmbeddingRun<T> {
  /** Submits an input to the model. */
  interface Submit<T> {
    CompletableFuture<T> apply(EmbeddingInput input, EmbedOptions options);
  }

  private static final long FIRST_LOOK_MILLIS = 250;
  private static final long LOOK_MILLIS = 500;

  /** After which time a run's own speed tells how long the rest will take. */
  private static final Duration SPEED_KNOWN = Duration.ofSeconds(5);

  /** How many batches wait at least. */
  private static final int BATCHES = 4;

  private final Exchange x;
  private final EmbeddingEngine engine;
  private final RequestLimiter limiter;
  private final List<EmbeddingInput> inputs;
  private final String where;
  private final EmbedOptions options;
  private final Submit<T> submit;
  private final long[] estimates;
  private final long window;
  private final long since = System.nanoTime();
  private final List<CompletableFuture<T>> futures = new ArrayList<>();
  private final List<T> results = new ArrayList<>();
  private long waiting;
  private long left;
  private long done;

  /**
   * Prepares a run.
   *
   * @param x the request
   * @param engine the model
   * @param limiter counts the tokens that wait
   * @param inputs the texts
   * @param where the name of the request's field that holds the texts, for messages
   * @param options how to embed them
   * @param submit submits one to the engine
   * @throws TimeoutException if the request's time is up
   */
  EmbeddingRun(
      Exchange x,
      EmbeddingEngine engine,
      RequestLimiter limiter,
      List<EmbeddingInput> inputs,
      String where,
      EmbedOptions options,
      Submit<T> submit)
      throws TimeoutException {
    this.x = x;
    this.engine = engine;
    this.limiter = limiter;
    this.inputs = inputs;
    this.where = where;
    this.submit = submit;
    this.options = options.timeout(x.remaining()).job(x.caller());
    this.estimates = inputs.stream().mapToLong(this::estimate).toArray();
    for (long estimate : estimates) {
      left += estimate;
    }
    long most = x.limits().maxWaitingTokens() / 4;
    this.window =
        Math.min(most, Math.max(Throughput.BUSY * 2, (long) BATCHES * engine.tokenBudget()));
  }

  private long estimate(EmbeddingInput input) {
    return switch (input) {
      case EmbeddingInput.Text text -> engine.estimateTokens(text.text());
      case EmbeddingInput.Tokens ids ->
          Math.clamp(ids.length(), 1, engine.description().maxTokens());
    };
  }

  /**
   * Submits the texts and waits for them, all or none.
   *
   * @return the results, in the order of the texts
   * @throws Problem if the request is refused, or a text cannot be embedded
   */
  List<T> results() throws Exception {
    limiter.requireTime(x.caller(), left, x.remaining());
    try {
      for (int i = 0; i < estimates.length; i++) {
        while (!admit(estimates[i])) {
          takeNext();
        }
        futures.add(submit(i));
      }
      while (results.size() < futures.size()) {
        takeNext();
      }
      return results;
    } finally {
      limiter.forgetTokens(x.caller(), waiting);
      futures.forEach(future -> future.cancel(false));
    }
  }

  /** Counts a text's tokens; false if earlier texts must be taken first. */
  private boolean admit(long tokens) {
    if (waiting == 0) {
      limiter.reserveTokens(x.caller(), tokens);
    } else if (waiting + tokens > window || !limiter.tryReserveTokens(x.caller(), tokens)) {
      return false;
    }
    waiting += tokens;
    return true;
  }

  private CompletableFuture<T> submit(int i) {
    try {
      return submit.apply(inputs.get(i), options);
    } catch (IllegalArgumentException e) {
      throw Problem.invalid(Embedder.name(where, inputs, i), String.valueOf(e.getMessage()));
    }
  }

  /** Waits for the first text whose result was not taken yet. */
  private void takeNext() throws Exception {
    int i = results.size();
    results.add(await(futures.get(i), Embedder.name(where, inputs, i)));
    limiter.releaseTokens(x.caller(), estimates[i]);
    waiting -= estimates[i];
    left -= estimates[i];
    done += estimates[i];
    Duration passed = Duration.ofNanos(System.nanoTime() - since);
    if (left > window && passed.compareTo(SPEED_KNOWN) > 0) {
      limiter.requireProgress(x.caller(), left, done, passed, x.remaining());
    }
  }

  private T await(CompletableFuture<T> future, String name) throws Exception {
    long look = FIRST_LOOK_MILLIS;
    while (true) {
      long time = x.remaining().toMillis() + 1;
      try {
        return future.get(Math.min(time, look), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (x.isClientDisconnected()) {
          throw new CloseConnectionException("the client hung up", e);
        }
        look = LOOK_MILLIS;
      } catch (ExecutionException e) {
        Problem problem = Problems.of(e);
        throw new Problem(
            problem.status(), problem.code(), problem.text(), name, problem.retryAfterSeconds());
      }
    }
  }
}
