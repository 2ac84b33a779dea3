package io.luciole.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Reads what is left of bodies whose requests were answered before they were read, such as those
 * that are refused. If a connection is closed while its client sends, the client loses the answer.
 *
 * <p>Such bodies come as fast as clients send them, and reading them takes time from everybody
 * else. So all of them together are read at no more than {@link #BYTES_A_SECOND} for each core, in
 * equal parts, and those that come faster wait in their clients. A client that sends slowly takes
 * no part from others. Safe for use by many threads.
 */
final class Leftovers {
  /** How long a client may take at most to send what is left, if it may be silent so long. */
  static final Duration TIME = Duration.ofSeconds(5);

  /** Most bytes of a body that are read in vain. */
  private static final long MOST = 64L << 20;

  private static final int BYTES_A_SECOND = 32 << 20;

  /** Shorter waits are put off until they are so long together. */
  private static final long WORTHWHILE_NANOS = Duration.ofMillis(10).toNanos();

  private final double nanosForByte;
  private final Duration time;
  private final ClientConnections connections;
  private final LongSupplier clock;

  /** Until when the bytes that were read so far take all that may be read. */
  @GuardedBy("this")
  private long taken;

  /**
   * Creates a reader of leftovers.
   *
   * @param cores the cores of the machine
   * @param silence how long a client may be silent
   * @param connections tells whether places for connections are scarce
   */
  Leftovers(int cores, Duration silence, ClientConnections connections) {
    this(cores, silence, connections, System::nanoTime);
  }

  Leftovers(int cores, Duration silence, ClientConnections connections, LongSupplier clock) {
    this.nanosForByte = 1e9 / ((double) BYTES_A_SECOND * cores);
    this.time = silence.compareTo(TIME) < 0 ? silence : TIME;
    this.connections = connections;
    this.clock = clock;
    this.taken = clock.getAsLong();
  }

  /**
   * Reads the rest of a body, as long as its client does not take too much time for it and places
   * for connections are not scarce. The client's time does not pass while the body waits for its
   * turn. Returns early if the thread is interrupted.
   */
  void read(RequestBody body) {
    byte[] buffer = new byte[RequestBody.SMALL];
    long end = clock.getAsLong() + time.toNanos();
    try (InputStream in = body.encoded()) {
      long left = MOST;
      while (left > 0 && clock.getAsLong() - end < 0 && !connections.isCrowded()) {
        body.readUntil(end);
        int n = in.read(buffer);
        if (n < 0) {
          return;
        }
        left -= n;
        long wait = take(n);
        if (wait > WORTHWHILE_NANOS) {
          Thread.sleep(Duration.ofNanos(wait));
          end += wait;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException e) {
      // The answer was sent; reading on only helps the client to receive it.
    }
  }

  /** Counts bytes that were read, and gives how long to wait before more are read. */
  synchronized long take(int bytes) {
    long now = clock.getAsLong();
    taken = Math.max(taken - now, 0) + now + (long) (bytes * nanosForByte);
    return taken - now;
  }
}
