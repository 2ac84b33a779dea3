package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.spi.BackendInfo;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The embeddings of a sequence of items, in its order. A bounded window of tokens and bytes is in
 * progress, so that the memory does not depend on the number of items; within the window the
 * scheduler is free in its order. Not for use by several threads.
 *
 * <p>Whatever fails has its turn: the text of an item, a text that is refused, and the source
 * itself, which is not read further.
 *
 * @param <T> what texts are taken from
 */
final class EmbeddingStream<T> implements Iterator<Embedded<T>> {
  /** An item of the source: its request, or why there is none. */
  private record Pending<T>(
      @Nullable T source,
      @Nullable Request request,
      @Nullable RuntimeException refusal,
      int tokens,
      long bytes) {}

  /**
   * The largest amount in progress; one text always is, whatever its size.
   *
   * @param tokens tokens of texts
   * @param bytes bytes of texts and results
   * @param bytesPerText those of a text, whatever its length
   * @param bytesPerToken those of each of its tokens
   */
  record Window(long tokens, long bytes, long bytesPerText, long bytesPerToken) {
    /** A window for the outputs of a model, as far as the heap allows. */
    static Window of(long tokens, Set<Output> outputs, BackendInfo info) {
      long perText = HeapBounds.TEXT_BYTES;
      long perToken = HeapBounds.TOKEN_BYTES;
      if (outputs.contains(Output.DENSE)) {
        perText += (long) Float.BYTES * info.dimension();
      }
      if (outputs.contains(Output.SPARSE)) {
        perToken += Integer.BYTES + Float.BYTES;
      }
      if (outputs.contains(Output.COLBERT)) {
        perToken += (long) Float.BYTES * info.colbertDimension();
      }
      long bytes = HeapBounds.streamBytes(Runtime.getRuntime().maxMemory());
      return new Window(tokens, bytes, perText, perToken);
    }
  }

  private final Iterator<? extends T> source;
  private final Function<? super T, String> toText;
  private final Function<String, Request> submit;
  private final ToIntFunction<String> cost;
  private final Window window;
  private final ArrayDeque<Pending<T>> pending = new ArrayDeque<>();
  private long itemsRead;
  private long tokensInProgress;
  private long bytesInProgress;

  /** What the source threw; it comes after the items before it. */
  private @Nullable RuntimeException sourceFailure;

  private boolean sourceEnded;

  /**
   * Creates a stream; nothing is read before the first call.
   *
   * @param toText takes an item's text
   * @param cost estimates the tokens of a text
   */
  EmbeddingStream(
      Iterator<? extends T> source,
      Function<? super T, String> toText,
      Function<String, Request> submit,
      ToIntFunction<String> cost,
      Window window) {
    this.source = source;
    this.toText = toText;
    this.submit = submit;
    this.cost = cost;
    this.window = window;
  }

  @Override
  public boolean hasNext() {
    return !pending.isEmpty() || canRead() || sourceFailure != null;
  }

  @Override
  public Embedded<T> next() {
    fill();
    Pending<T> head = pending.poll();
    if (head == null) {
      RuntimeException failure = sourceFailure;
      sourceFailure = null;
      throw failure != null ? failure : new NoSuchElementException();
    }
    tokensInProgress -= head.tokens;
    bytesInProgress -= head.bytes;
    if (Thread.currentThread().isInterrupted()) {
      cancel();
    }
    if (head.request == null) {
      throw requireNonNull(head.refusal);
    }
    return new Embedded<>(requireNonNull(head.source), await(head.request));
  }

  private Embedding await(Request request) {
    try {
      return request.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      request.cancel(false);
      cancel();
      throw interrupted();
    } catch (CancellationException e) {
      throw interrupted();
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    }
  }

  /** The embeddings alone, without their items. */
  Iterator<Embedding> embeddings() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return EmbeddingStream.this.hasNext();
      }

      @Override
      public Embedding next() {
        return EmbeddingStream.this.next().embedding();
      }
    };
  }

  /** A sequential stream whose terminal operation reads the items; closing it cancels. */
  Stream<Embedded<T>> asStream() {
    int traits = Spliterator.ORDERED | Spliterator.NONNULL;
    return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, traits), false)
        .onClose(this::cancel);
  }

  /** Drops the texts that were submitted and are not computed yet. */
  void cancel() {
    for (Pending<T> each : pending) {
      if (each.request != null) {
        each.request.cancel(false);
      }
    }
  }

  /**
   * Waits for all results, the failed ones included.
   *
   * @return the results in the order of the futures
   * @throws LucioleException the first failure
   * @throws EmbeddingInterruptedException if the thread is interrupted meanwhile; its interrupt
   *     flag stays set
   */
  static <R> List<R> joinAll(List<? extends CompletableFuture<R>> futures) {
    try {
      CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new)).get();
      return futures.stream().<R>map(CompletableFuture::join).toList();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted();
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    }
  }

  /** The exception to throw if the thread that waits for texts is interrupted. */
  static EmbeddingInterruptedException interrupted() {
    return new EmbeddingInterruptedException(
        "The thread was interrupted while it waited for embeddings; the texts that were not"
            + " computed are dropped.");
  }

  /** The exception to throw if a text that was waited for failed. */
  static LucioleException failure(@Nullable Throwable cause) {
    return cause instanceof LucioleException known
        ? known
        : new LucioleException("A text could not be embedded: " + cause, cause);
  }

  /** What a null in place of an item or of its text is refused with. */
  static NullPointerException missing(String what, long item) {
    return new NullPointerException(
        what + " " + item + " (counted from 0) is null; expected one that can be embedded");
  }

  private void fill() {
    while ((pending.isEmpty() || hasRoom()) && canRead()) {
      T item;
      try {
        item = source.next();
      } catch (RuntimeException e) {
        end(e);
        return;
      }
      if (!submit(item, itemsRead++)) {
        return;
      }
    }
  }

  private boolean hasRoom() {
    return tokensInProgress < window.tokens
        && bytesInProgress < window.bytes
        && !Thread.currentThread().isInterrupted();
  }

  /** Whether the source has another item; if it throws instead, that is kept for its turn. */
  private boolean canRead() {
    if (sourceEnded || (!pending.isEmpty() && waits())) {
      return false;
    }
    try {
      sourceEnded = !source.hasNext();
    } catch (EmbeddingInterruptedException e) {
      cancel();
      throw e;
    } catch (RuntimeException e) {
      end(e);
    }
    return !sourceEnded;
  }

  /** Whether the source has no item at the moment, so that what is finished goes first. */
  private boolean waits() {
    return source instanceof ReadAhead<?> ahead && !ahead.isReady();
  }

  private void end(RuntimeException failure) {
    sourceFailure = failure;
    sourceEnded = true;
  }

  /** Submits the text of an item, or keeps for its turn why that is not possible. */
  private boolean submit(@Nullable T item, long number) {
    try {
      if (item == null) {
        throw missing("Item", number);
      }
      String of = toText.apply(item);
      if (of == null) {
        throw missing("The text of item", number);
      }
      int tokens = cost.applyAsInt(of);
      // The item keeps its text, also what is beyond the model's limit.
      long text = (long) Character.BYTES * of.length();
      long bytes = window.bytesPerText + text + tokens * window.bytesPerToken;
      pending.add(new Pending<>(item, submit.apply(of), null, tokens, bytes));
      tokensInProgress += tokens;
      bytesInProgress += bytes;
      return true;
    } catch (RuntimeException e) {
      pending.add(new Pending<>(item, null, e, 0, 0));
      return false;
    }
  }
}
