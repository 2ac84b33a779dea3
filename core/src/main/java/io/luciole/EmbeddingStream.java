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
 * Embeddings of texts that come one after another, in their order. At most a window of tokens is
 * under way, so that memory does not depend on how many texts come; within it texts go to the
 * device in whatever order suits.
 */
final class EmbeddingStream implements Iterator<Embedding> {
  /** A text under way, or why it could not be submitted. */
  private record Pending(@Nullable Request request, @Nullable RuntimeException refusal, int cost) {}

  private final Iterator<String> texts;
  private final Function<String, Request> submit;
  private final ToIntFunction<String> cost;
  private final long window;
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();
  private long underWay;

  /**
   * Begins; nothing is read before the first call.
   *
   * @param cost tokens of a text, roughly
   * @param window most tokens under way; one text is in any case
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
    underWay -= head.cost;
    if (head.request == null) {
      throw requireNonNull(head.refusal);
    }
    try {
      return head.request.join();
    } catch (CompletionException e) {
      throw failure(e);
    }
  }

  /** What to throw where a text that was waited for failed. */
  static LucioleException failure(CompletionException e) {
    return e.getCause() instanceof LucioleException cause
        ? cause
        : new LucioleException("A text could not be embedded: " + e.getCause(), e);
  }

  private void fill() {
    while ((pending.isEmpty() || underWay < window) && texts.hasNext()) {
      String text = texts.next();
      try {
        int tokens = cost.applyAsInt(text);
        pending.add(new Pending(submit.apply(text), null, tokens));
        underWay += tokens;
      } catch (RuntimeException e) {
        // It was read, so it has its turn, behind those that went before it.
        pending.add(new Pending(null, e, 0));
        return;
      }
    }
  }
}
