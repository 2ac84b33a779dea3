package io.luciole.cli;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.internal.LineReader;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Reads texts, submits them to the engine and gives the results in the order of the input. A thread
 * of its own reads and submits ahead, so that the engine always has texts to batch.
 *
 * <p>{@link EmbeddingEngine#embedAll(java.util.Iterator, EmbedOptions)} does not serve here: it
 * reads ahead on the thread that asks for the next result, so it would wait for a second line
 * before it answers the first. A sender that waits for each answer before it sends the next line
 * would wait for ever.
 *
 * <p>The number of texts in progress is bounded, and so is the number of their characters. {@link
 * #next} and {@link #close} must be called by one thread.
 */
final class EmbedPipeline implements AutoCloseable {
  /** The usual bounds: enough for an accelerator's batches, at some megabytes of memory. */
  static final Bounds USUAL = new Bounds(4096, 8 << 20);

  /** Bounds for results with a vector a token, a thousand times the size of its characters. */
  static final Bounds LARGE_RESULTS = new Bounds(4096, 256 << 10);

  /** Most texts, and most of their characters, in progress at a time. */
  record Bounds(int texts, int chars) {}

  /** A text's embedding and its id, as JSON. */
  record Result(String id, Embedding embedding) {}

  private sealed interface Step permits Text, End {}

  private record Text(String id, String where, int chars, CompletableFuture<Embedding> future)
      implements Step {}

  /** The last step: the input has ended, or cannot be read further. */
  private record End(@Nullable Throwable failure) implements Step {}

  private final LineReader lines;
  private final EmbeddingEngine engine;
  private final EmbedOptions options;
  private final BlockingQueue<Step> steps;
  private final int mostChars;
  private final Semaphore chars;
  private final Thread reader;

  /** Starts reading. */
  EmbedPipeline(LineReader lines, EmbeddingEngine engine, EmbedOptions options, Bounds bounds) {
    this.lines = lines;
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
      for (String line = lines.next(); line != null; line = lines.next()) {
        EmbedLine parsed = EmbedLine.parse(line, lines.where());
        int size = Math.min(mostChars, parsed.text().length() + 16);
        chars.acquire(size);
        steps.put(new Text(parsed.id(), lines.where(), size, engine.embed(parsed.text(), options)));
      }
      return new End(null);
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception | Error e) {
      return new End(e);
    }
  }

  /**
   * The next text's result, or null after the last. Blocks until it is there.
   *
   * @throws CliException if the input cannot be read further, or the text cannot be embedded
   */
  @Nullable Result next() {
    try {
      return switch (steps.take()) {
        case Text text -> {
          Embedding embedding = joined(text);
          chars.release(text.chars);
          yield new Result(text.id, embedding);
        }
        case End end -> {
          if (end.failure != null) {
            throw new CliException(Failures.message(end.failure), end.failure);
          }
          yield null;
        }
      };
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("Interrupted", e);
    }
  }

  private static Embedding joined(Text text) {
    try {
      return text.future.join();
    } catch (CompletionException e) {
      throw new CliException(text.where + ": " + Failures.message(e), e);
    }
  }

  /** Whether no text is in progress at the moment. */
  boolean isDrained() {
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
