package io.luciole.cli.embed;

import io.luciole.DeviceLostException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.EngineClosedException;
import io.luciole.LucioleException;
import java.io.IOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Reads texts, submits them to the engine and gives what became of them in the order of the input.
 * A thread of its own reads and submits ahead, so that the engine always has texts to batch.
 *
 * <p>{@link EmbeddingEngine#embedAll(java.util.Iterator, EmbedOptions)} does not serve here: it
 * reads ahead on the thread that asks for the next result, so it would wait for a second line
 * before it answers the first. A sender that waits for each answer before it sends the next line
 * would wait for ever.
 *
 * <p>The number of texts in progress is bounded, and so is the number of their characters. {@link
 * #next} and {@link #close} must be called by one thread.
 */
public final class EmbedPipeline implements AutoCloseable {
  /** The usual bounds: enough for an accelerator's batches, at some megabytes of memory. */
  public static final Bounds USUAL = new Bounds(4096, 8 << 20);

  /** Bounds for results with a vector a token, a thousand times the size of its characters. */
  public static final Bounds LARGE_RESULTS = new Bounds(4096, 256 << 10);

  /**
   * The most that is in progress at a time.
   *
   * @param texts texts
   * @param chars their characters; one text always is, whatever its length
   */
  public record Bounds(int texts, int chars) {}

  private sealed interface Step {}

  private record Text(TextItem item, int chars, CompletableFuture<Embedding> future)
      implements Step {}

  private record Bad(Outcome.Failed failed) implements Step {}

  /** The last step: the input has ended, or cannot be read further. */
  private record End(@Nullable Throwable failure) implements Step {}

  private final TextSource source;
  private final EmbeddingEngine engine;
  private final EmbedOptions options;
  private final BlockingQueue<Step> steps;
  private final int mostChars;
  private final Semaphore chars;
  private final Thread reader;

  /**
   * Starts reading.
   *
   * @param source read by another thread until {@link #close}
   * @param engine embeds
   * @param options how each text is embedded
   * @param bounds the most that is in progress
   */
  public EmbedPipeline(
      TextSource source, EmbeddingEngine engine, EmbedOptions options, Bounds bounds) {
    this.source = source;
    this.engine = engine;
    this.options = options;
    this.steps = new ArrayBlockingQueue<>(bounds.texts);
    this.mostChars = bounds.chars;
    this.chars = new Semaphore(mostChars);
    this.reader = Thread.ofPlatform().name("luciole-reader").daemon().unstarted(this::read);
    reader.start();
  }

  private void read() {
    try {
      steps.put(readAll());
    } catch (InterruptedException e) {
      // Closed: nobody waits for the rest.
    }
  }

  private End readAll() throws InterruptedException {
    try {
      while (true) {
        Step step = readOne();
        if (step instanceof End end) {
          return end;
        }
        steps.put(step);
      }
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception | Error e) {
      return new End(e);
    }
  }

  private Step readOne() throws IOException, InterruptedException {
    TextItem item;
    try {
      item = source.next();
    } catch (BadTextException e) {
      return new Bad(new Outcome.Failed(e.place(), null, e.id(), e));
    }
    if (item == null) {
      return new End(null);
    }
    int size = Math.min(mostChars, item.text().length() + 16);
    chars.acquire(size);
    return new Text(item, size, engine.embed(item.text(), options));
  }

  /**
   * Waits for the next outcome.
   *
   * @return what became of the next text, or null after the last
   * @throws LucioleException if the input cannot be read further, or no further text embedded
   */
  public @Nullable Outcome next() {
    try {
      return switch (steps.take()) {
        case Bad bad -> bad.failed;
        case Text text -> {
          Outcome outcome = outcome(text);
          chars.release(text.chars);
          yield outcome;
        }
        case End end -> {
          if (end.failure != null) {
            throw rethrown(end.failure);
          }
          yield null;
        }
      };
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EmbeddingInterruptedException("The thread was interrupted while it embedded");
    }
  }

  private static Outcome outcome(Text text) {
    try {
      return new Outcome.Embedded(text.item, text.future.join());
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (isOfText(cause)) {
        return new Outcome.Failed(text.item.place(), text.item, text.item.id(), cause);
      }
      throw cause instanceof LucioleException known
          ? known
          : new LucioleException(text.item.place() + ": " + cause.getMessage(), cause);
    }
  }

  /** Whether a failure concerns one text, so that the next may be embedded. */
  private static boolean isOfText(Throwable cause) {
    return cause instanceof LucioleException
        && !(cause instanceof EngineClosedException)
        && !(cause instanceof DeviceLostException);
  }

  private static LucioleException rethrown(Throwable failure) {
    switch (failure) {
      case IOException e -> throw new LucioleException(String.valueOf(e.getMessage()), e);
      case LucioleException e -> throw e;
      case Error e -> throw e;
      default -> throw new LucioleException("The texts cannot be read: " + failure, failure);
    }
  }

  /** {@return whether no text is in progress at the moment} */
  public boolean isDrained() {
    return steps.isEmpty();
  }

  /** Stops reading and cancels the texts in progress. */
  @Override
  public void close() {
    reader.interrupt();
    for (Step step = steps.poll(); step != null; step = steps.poll()) {
      if (step instanceof Text text) {
        text.future.cancel(false);
      }
    }
  }
}
