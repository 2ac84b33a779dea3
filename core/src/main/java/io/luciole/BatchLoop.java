package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.TokenizedText;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Owns the backend: one thread that, whenever the device is free, cuts a batch of the texts that
 * wait, within the token budget, and runs it. Results are decoded on a thread of their own while
 * the next batch runs.
 *
 * <p>Invariant: the future of every request that {@link #add} accepted completes, whatever happens.
 */
final class BatchLoop implements AutoCloseable {
  /** A text on its way. Filled by one thread after another; the queue hands it over. */
  static final class Request {
    private final Set<Output> outputs;
    private final long deadlineNanos;
    private final boolean hasDeadline;
    private final CompletableFuture<Embedding> future = new CompletableFuture<>();
    private @Nullable TokenizedText text;

    Request(Set<Output> outputs, EmbedOptions options) {
      this.outputs = outputs;
      this.hasDeadline = options.timeout().isPresent();
      this.deadlineNanos = options.timeout().map(t -> System.nanoTime() + t.toNanos()).orElse(0L);
    }

    CompletableFuture<Embedding> future() {
      return future;
    }

    void tokenized(TokenizedText text) {
      this.text = text;
    }

    private TokenizedText text() {
      return requireNonNull(text);
    }

    /** Whether the text still has to be computed; fails it if its deadline has passed. */
    private boolean isLive() {
      if (hasDeadline && System.nanoTime() - deadlineNanos >= 0) {
        future.completeExceptionally(
            new TimeoutException("The text's deadline passed before it reached the device."));
      }
      return !future.isDone();
    }
  }

  private final Backend backend;
  private final EmbeddingDecoder decoder;
  private final int tokenBudget;
  private final boolean pads;
  private final BlockingQueue<Request> waiting = new LinkedBlockingQueue<>();
  private final ExecutorService decoding;
  private final Thread owner;
  private volatile boolean closing;

  BatchLoop(Backend backend, EmbeddingDecoder decoder, int tokenBudget) {
    this.backend = backend;
    this.decoder = decoder;
    this.tokenBudget = tokenBudget;
    this.pads = backend.info().pads();
    this.decoding =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("luciole-decoder").daemon().factory());
    this.owner =
        Thread.ofPlatform().name("luciole-" + backend.info().device()).daemon().start(this::work);
  }

  /** Takes a tokenised text. */
  void add(Request request) {
    waiting.add(request);
  }

  private void work() {
    List<Request> batch = new ArrayList<>();
    @Nullable Request carried = null;
    try {
      while (true) {
        Request first = carried != null ? carried : waiting.poll(50, TimeUnit.MILLISECONDS);
        carried = null;
        if (first == null) {
          if (closing && waiting.isEmpty()) {
            return;
          }
          continue;
        }
        if (!first.isLive()) {
          continue;
        }
        carried = fill(batch, first);
        run(List.copyOf(batch));
        batch.clear();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (carried != null) {
        waiting.add(carried);
      }
      failWaiting();
    }
  }

  /** Adds what waits while it fits the budget; returns the first text that did not fit. */
  private @Nullable Request fill(List<Request> batch, Request first) {
    batch.add(first);
    int longest = first.text().length();
    long tokens = longest;
    for (Request next = waiting.poll(); next != null; next = waiting.poll()) {
      if (!next.isLive()) {
        continue;
      }
      longest = Math.max(longest, next.text().length());
      tokens += next.text().length();
      long cost = pads ? (long) longest * (batch.size() + 1) : tokens;
      if (cost > tokenBudget) {
        return next;
      }
      batch.add(next);
    }
    return null;
  }

  private void run(List<Request> requests) {
    try {
      TokenBatch batch = TokenBatch.of(requests.stream().map(r -> r.text().ids()).toList());
      Set<Output> outputs = EnumSet.noneOf(Output.class);
      requests.forEach(r -> outputs.addAll(r.outputs));
      BackendOutput output = backend.run(batch, outputs);
      decoding.execute(() -> decode(requests, batch, output));
    } catch (RuntimeException | Error e) {
      BackendException failure =
          e instanceof BackendException known
              ? known
              : new BackendException("The backend failed on a batch: " + e, e);
      requests.forEach(r -> r.future.completeExceptionally(failure));
    }
  }

  private void decode(List<Request> requests, TokenBatch batch, BackendOutput output) {
    try (output) {
      for (int i = 0; i < requests.size(); i++) {
        Request request = requests.get(i);
        try {
          request.future.complete(
              decoder.decode(output, batch, i, request.outputs, request.text().truncated()));
        } catch (RuntimeException | Error e) {
          request.future.completeExceptionally(e);
        }
      }
    }
  }

  private void failWaiting() {
    for (Request r = waiting.poll(); r != null; r = waiting.poll()) {
      r.future.completeExceptionally(new EngineClosedException("The engine was closed."));
    }
  }

  /** Runs what waits, then stops. Nothing may be added any more. */
  @Override
  public void close() {
    closing = true;
    boolean interrupted = false;
    while (owner.isAlive()) {
      try {
        owner.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    decoding.close();
    failWaiting();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
