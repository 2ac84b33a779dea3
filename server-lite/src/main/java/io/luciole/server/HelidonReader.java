package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.helidon.common.buffers.DataReader;
import io.helidon.webserver.ServerConnectionException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Reads one connection's bytes for Helidon, in requests as {@link RequestFraming} cuts them, and
 * tells while a request is being handled whether the client has disconnected. A blocked thread does
 * not see a connection end, so when asked for the first time another thread reads ahead.
 *
 * <p><b>Time.</b> A client may be silent for the read timeout: between two requests, and within a
 * body. A head has that time in all, from its first byte to its last; a body has as much as {@link
 * #readUntil} says, and what is left of one after its request {@link RequestBody#LEFTOVER} or the
 * read timeout, whichever is shorter.
 *
 * <p><b>Threads.</b> Invariant: one thread at a time reads, the connection's own or that which
 * handles its request, and before it reads it waits for the read ahead that was started. So the
 * socket never has two readers and no byte is lost: bytes that were read ahead belong to the next
 * request. Any thread may call {@link #endIfWaitingFor}.
 */
final class HelidonReader implements ClientConnections.Client {
  private final DataReader reader;
  private final ExecutorService executor;
  private final Duration timeout;
  private final RequestFraming framing = new RequestFraming();
  private @Nullable CompletableFuture<byte @Nullable []> readAhead;
  private boolean hasDeadline;
  private long deadline;
  private boolean inHead;
  private long headDeadline;

  /** Whether no request is being handled, since when, and the read that waits for the next one. */
  private volatile boolean between = true;

  private volatile long betweenSince = System.nanoTime();
  private volatile @Nullable CompletableFuture<byte @Nullable []> waiting;

  HelidonReader(DataReader reader, ExecutorService executor, Duration timeout) {
    this.reader = reader;
    this.executor = executor;
    this.timeout = timeout;
  }

  /**
   * The next bytes of a head or a body, or null at the end of the connection. They are always read
   * by another thread, since a blocking read has no timeout of its own. A read that is given up
   * ends together with its connection.
   */
  byte @Nullable [] next() {
    byte[] next = framing.next();
    while (next == null) {
      byte[] arrived = arrive();
      if (arrived == null) {
        return null;
      }
      if (framing.isHead() && !inHead) {
        inHead = true;
        headDeadline = System.nanoTime() + timeout.toNanos();
      }
      framing.add(arrived);
      next = framing.next();
    }
    return next;
  }

  private byte @Nullable [] arrive() {
    CompletableFuture<byte @Nullable []> started = readAhead;
    if (started == null) {
      started = CompletableFuture.supplyAsync(this::read, executor);
    }
    readAhead = null;
    waiting = between ? started : null;
    try {
      return started.get(nanosLeft(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new ServerConnectionException(
          "the client is silent", new SocketTimeoutException("silent for " + timeout));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServerConnectionException("stopped", new ClosedByInterruptException());
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException known
          ? known
          : new ServerConnectionException("the connection failed", requireNonNull(e.getCause()));
    } finally {
      waiting = null;
    }
  }

  private long nanosLeft() {
    long silence = timeout.toNanos();
    if (framing.isHead()) {
      return inHead ? headDeadline - System.nanoTime() : silence;
    }
    return hasDeadline ? Math.min(silence, deadline - System.nanoTime()) : silence;
  }

  private byte @Nullable [] read() {
    try {
      reader.ensureAvailable();
      return reader.readBytes(reader.available());
    } catch (DataReader.InsufficientDataAvailableException e) {
      return null;
    }
  }

  @Override
  public void begin(long bodyLength) {
    between = false;
    inHead = false;
    hasDeadline = false;
    if (bodyLength < 0) {
      framing.chunked();
    } else {
      framing.length(bodyLength);
    }
  }

  @Override
  public void readUntil(long nanoTime) {
    hasDeadline = true;
    deadline = nanoTime;
  }

  @Override
  public void end() {
    long leftover = Math.min(RequestBody.LEFTOVER.toNanos(), timeout.toNanos());
    readUntil(System.nanoTime() + leftover);
    betweenSince = System.nanoTime();
    between = true;
  }

  @Override
  public boolean isDisconnected() {
    CompletableFuture<byte @Nullable []> started = readAhead;
    if (started == null) {
      readAhead = CompletableFuture.supplyAsync(this::read, executor);
      return false;
    }
    return started.isDone() && (started.isCompletedExceptionally() || started.resultNow() == null);
  }

  /** Ends the connection if it has waited for a request, or for the rest of its head, so long. */
  void endIfWaitingFor(Duration time) {
    CompletableFuture<byte @Nullable []> read = waiting;
    if (between && read != null && System.nanoTime() - betweenSince > time.toNanos()) {
      boolean unused =
          read.completeExceptionally(
              new ServerConnectionException(
                  "others need the connection", new SocketTimeoutException("idle")));
    }
  }
}
