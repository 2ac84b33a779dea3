package io.luciole.server;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Ends connections whose clients do not read: a blocked write has no time limit of its own, and its
 * request would keep its place for ever. Large answers go in pieces, so that a slow client is not
 * taken for a silent one.
 *
 * <p>A write that takes too long is ended by interrupting its thread, which closes the connection
 * under it, TLS or not. Invariant: a thread is interrupted between the beginning and the end of a
 * write only, under the writer's lock, so that no interrupt reaches anything else.
 */
final class WriteWatch implements AutoCloseable {
  private static final int PIECE = 64 << 10;

  private final long limitNanos;
  private final Set<Writer> writing = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock;

  WriteWatch(Duration limit) {
    this.limitNanos = limit.toNanos();
    this.clock =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("luciole-http-writes").factory());
    long period = Math.clamp(limit.toMillis() / 4, 10, 1000);
    var unused =
        clock.scheduleWithFixedDelay(
            () -> writing.forEach(Writer::endIfStuck), period, period, TimeUnit.MILLISECONDS);
  }

  DataWriter watch(DataWriter to) {
    return new Writer(to);
  }

  /** Watches no longer; writes under way go on. */
  @Override
  public void close() {
    clock.shutdownNow();
  }

  /** A connection's writer, for one thread at a time. */
  private final class Writer implements DataWriter {
    private final DataWriter to;
    private Thread thread = Thread.currentThread();
    private long since;
    private boolean underWay;
    private boolean ended;

    Writer(DataWriter to) {
      this.to = to;
    }

    @Override
    public void write(BufferData... buffers) {
      for (BufferData buffer : buffers) {
        write(buffer);
      }
    }

    @Override
    public void write(BufferData buffer) {
      each(buffer, to::write);
    }

    @Override
    public void writeNow(BufferData... buffers) {
      for (BufferData buffer : buffers) {
        writeNow(buffer);
      }
    }

    @Override
    public void writeNow(BufferData buffer) {
      each(buffer, to::writeNow);
    }

    @Override
    public void flush() {
      to.flush();
    }

    @Override
    public void close() {
      to.close();
    }

    private void each(BufferData buffer, Consumer<BufferData> write) {
      while (buffer.available() > PIECE) {
        byte[] piece = new byte[PIECE];
        int length = buffer.read(piece);
        timed(BufferData.create(piece, 0, length), write);
      }
      timed(buffer, write);
    }

    private void timed(BufferData buffer, Consumer<BufferData> write) {
      begin();
      try {
        write.accept(buffer);
      } finally {
        end();
      }
    }

    private synchronized void begin() {
      thread = Thread.currentThread();
      since = System.nanoTime();
      underWay = true;
      writing.add(this);
    }

    private void end() {
      boolean stuck;
      synchronized (this) {
        underWay = false;
        writing.remove(this);
        stuck = ended;
      }
      if (stuck) {
        boolean unused = Thread.interrupted();
        throw new UncheckedIOException(new IOException("the client does not read"));
      }
    }

    private synchronized void endIfStuck() {
      if (underWay && !ended && System.nanoTime() - since > limitNanos) {
        ended = true;
        thread.interrupt();
      }
    }
  }
}
