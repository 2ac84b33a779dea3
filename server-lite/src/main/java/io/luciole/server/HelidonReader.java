package io.luciole.server;

import io.helidon.common.buffers.DataReader;
import io.helidon.webserver.ServerConnectionException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads one connection's bytes for Helidon, in requests as {@link RequestFraming} cuts them, and
 * tells while a request is being handled whether the client has disconnected. {@link ReadAhead}
 * reads the socket, so bytes that came while a request was handled belong to the next one.
 *
 * <p><b>Time.</b> A client may be silent for the read timeout: between two requests, and within a
 * body. A head has that time in all, from its first byte to its last; a body has as much as {@link
 * #readUntil} says, and what is left of one after its request {@link Leftovers#TIME} or the read
 * timeout, whichever is shorter.
 *
 * <p><b>Threads.</b> Used by one thread at a time, the connection's own or that which handles its
 * request. Any thread may call {@link #endIfWaitingFor}.
 */
final class HelidonReader implements ClientConnections.Client {
  /** How often a reader that waits for its client looks at what goes on meanwhile. */
  private static final long MEANWHILE_NANOS = Duration.ofMillis(5).toNanos();

  private final ReadAhead connection;
  private final Duration timeout;
  private final RequestFraming framing = new RequestFraming();
  private @Nullable BooleanSupplier meanwhile;
  private boolean hasDeadline;
  private long deadline;
  private boolean inHead;
  private long headDeadline;

  /** Whether no request is being handled, and since when. */
  private volatile boolean between = true;

  private volatile long betweenSince = System.nanoTime();

  /**
   * Reads a connection.
   *
   * @param begun gives the bytes that were read already
   * @param socket gives those that follow, or null at the end
   * @param executor runs tasks that block
   * @param timeout how long the client may be silent, and how long a head may take
   */
  HelidonReader(
      DataReader begun, Supplier<byte @Nullable []> socket, Executor executor, Duration timeout) {
    this.connection = new ReadAhead(() -> read(begun, socket), executor);
    this.timeout = timeout;
  }

  private static byte @Nullable [] read(DataReader begun, Supplier<byte @Nullable []> socket) {
    if (begun.available() > 0) {
      return begun.readBytes(begun.available());
    }
    try {
      return socket.get();
    } catch (UncheckedIOException e) {
      throw new ServerConnectionException("the connection failed", e);
    }
  }

  /** The next bytes of a head or a body, or null at the end of the connection. */
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
    try {
      BooleanSupplier task = meanwhile;
      while (task != null && task.getAsBoolean()) {
        try {
          return connection.next(MEANWHILE_NANOS);
        } catch (TimeoutException e) {
          // Looks again at what goes on meanwhile.
        }
      }
      return connection.next(nanosLeft());
    } catch (TimeoutException e) {
      throw new ServerConnectionException(
          "the client is silent", new SocketTimeoutException("silent for " + timeout));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServerConnectionException("stopped", new ClosedByInterruptException());
    }
  }

  private long nanosLeft() {
    long silence = timeout.toNanos();
    if (framing.isHead()) {
      return inHead ? headDeadline - System.nanoTime() : silence;
    }
    return hasDeadline ? Math.min(silence, deadline - System.nanoTime()) : silence;
  }

  @Override
  public void begin(long bodyLength) {
    between = false;
    inHead = false;
    hasDeadline = false;
    meanwhile = null;
    if (bodyLength < 0) {
      framing.chunked();
    } else {
      framing.length(bodyLength);
    }
  }

  @Override
  public void whileWaiting(BooleanSupplier task) {
    meanwhile = task;
  }

  @Override
  public void readUntil(long nanoTime) {
    hasDeadline = true;
    deadline = nanoTime;
  }

  @Override
  public void end() {
    meanwhile = null;
    long leftover = Math.min(Leftovers.TIME.toNanos(), timeout.toNanos());
    readUntil(System.nanoTime() + leftover);
    betweenSince = System.nanoTime();
    between = true;
  }

  @Override
  public boolean isDisconnected() {
    connection.start();
    return connection.hasEnded();
  }

  /** Ends the connection if it has waited for a request, or for the rest of its head, so long. */
  void endIfWaitingFor(Duration time) {
    if (between && System.nanoTime() - betweenSince > time.toNanos()) {
      connection.failIfAwaited(
          new ServerConnectionException(
              "others need the connection", new SocketTimeoutException("idle")));
    }
  }
}
