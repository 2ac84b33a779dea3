package io.luciole.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * An answer as it comes in, taken piece by piece by one thread, which waits for each piece a
 * limited time. No more than two pieces are held.
 */
final class HubBody implements BodySubscriber<@Nullable Void>, AutoCloseable {
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final CompletableFuture<Head> head = new CompletableFuture<>();
  private final Duration stall;
  private volatile Flow.@Nullable Subscription subscription;

  HubBody(Duration stall) {
    this.stall = stall;
  }

  /** What comes before the body. */
  record Head(int status, HttpHeaders headers) {}

  private sealed interface Event {
    record Bytes(List<ByteBuffer> buffers) implements Event {}

    record Failed(Throwable failure) implements Event {}

    record End() implements Event {}
  }

  /** Says that the answer begins. What is said later is not heard. */
  void begin(int status, HttpHeaders headers) {
    head.complete(new Head(status, headers));
  }

  /** Says that no answer comes. */
  void fail(Throwable failure) {
    head.completeExceptionally(failure);
  }

  /** Says that there is no body. */
  void end() {
    events.add(new Event.End());
  }

  /**
   * Waits until the answer begins.
   *
   * @throws TimeoutException if it does not in time
   * @throws ExecutionException if none comes
   */
  Head head() throws InterruptedException, ExecutionException, TimeoutException {
    return head.get(stall.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public CompletionStage<@Nullable Void> getBody() {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    this.subscription = subscription;
    subscription.request(1);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    events.add(new Event.Bytes(buffers));
  }

  @Override
  public void onError(Throwable failure) {
    events.add(new Event.Failed(failure));
  }

  @Override
  public void onComplete() {
    end();
  }

  /**
   * The next piece, or null when the body has ended.
   *
   * @throws HttpTimeoutException if no byte comes in time
   * @throws IOException if the connection fails
   */
  @Nullable List<ByteBuffer> next() throws IOException, InterruptedException {
    Event event = events.poll(stall.toMillis(), TimeUnit.MILLISECONDS);
    return switch (event) {
      case null -> {
        close();
        throw new HttpTimeoutException("no byte came for " + stall.toSeconds() + " s");
      }
      case Event.Bytes bytes -> {
        Flow.Subscription source = subscription;
        if (source != null) {
          source.request(1);
        }
        yield bytes.buffers();
      }
      case Event.Failed failed -> {
        Throwable cause = failed.failure();
        throw new IOException(
            cause.getMessage() == null ? cause.toString() : cause.getMessage(), cause);
      }
      case Event.End end -> {
        events.add(end);
        yield null;
      }
    };
  }

  /**
   * The whole body.
   *
   * @throws TooLongException if it has more bytes than this
   */
  byte[] all(int limit) throws IOException, InterruptedException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (List<ByteBuffer> buffers = next(); buffers != null; buffers = next()) {
      for (ByteBuffer buffer : buffers) {
        byte[] piece = new byte[buffer.remaining()];
        buffer.get(piece);
        if (bytes.size() + piece.length > limit) {
          throw new TooLongException();
        }
        bytes.write(piece);
      }
    }
    return bytes.toByteArray();
  }

  /** A body has more bytes than it may have. */
  static final class TooLongException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  /** Ends the transfer if it is not at its end. */
  @Override
  public void close() {
    Flow.Subscription source = subscription;
    if (source != null) {
      source.cancel();
    }
  }
}
