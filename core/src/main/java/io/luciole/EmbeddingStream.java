package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The embeddings of a sequence of texts, in its order. A bounded window of tokens is in progress,
 * so that the memory does not depend on the number of texts; within the window the scheduler is
 * free in its order. Not for use by several threads.
 */
final class EmbeddingStream implements Iterator<Embedding> {
  /** A submitted text, or why it could not be submitted. */
  private record Pending(@Nullable Request request, @Nullable RuntimeException refusal, int cost) {}

  private final Iterator<String> texts;
  private final Function<String, Request> submit;
  private final ToIntFunction<String> cost;
  private final long window;
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();
  private long inProgress;

  /**
   * Creates a stream; nothing is read before the first call.
   *
   * @param cost estimates the tokens of a text
   * @param window the largest number of tokens in progress; one text always is
   */
  EmbeddingStream(
      Iterator<String> texts,
      Function<String, Request> submit,
      ToIntFunction<String> cost,
      long window) {
    this.texts = texts;
    this.submit = submit;
    this.cost = cost;
    this.window = window;
  }

  @Override
  public boolean hasNext() {
    return !pending.isEmpty() || texts.hasNext();
  }

  @Override
  public Embedding next() {
    fill();
    Pending head = pending.poll();
    if (head == null) {
      throw new NoSuchElementException();
    }
    inProgress -= head.cost;
    if (head.request == null) {
      throw requireNonNull(head.refusal);
    }
    try {
      return head.request.join();
    } catch (CompletionException e) {
      throw failure(e);
    }
  }

  /** The exception to throw if a text that was waited for failed. */
  static LucioleException failure(CompletionException e) {
    return e.getCause() instanceof LucioleException cause
        ? cause
        : new LucioleException("A text could not be embedded: " + e.getCause(), e);
  }

  private void fill() {
    while ((pending.isEmpty() || inProgress < window) && texts.hasNext()) {
      String text = texts.next();
      try {
        int tokens = cost.applyAsInt(text);
        pending.add(new Pending(submit.apply(text), null, tokens));
        inProgress += tokens;
      } catch (RuntimeException e) {
        // The text was read, so its failure has its turn behind the texts before it.
        pending.add(new Pending(null, e, 0));
        return;
      }
    }
  }
}
