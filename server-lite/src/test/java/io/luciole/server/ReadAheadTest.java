package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A connection that is read ahead loses nothing, and does not run away. */
@Timeout(60)
class ReadAheadTest {
  private static final long LONG = Duration.ofSeconds(50).toNanos();
  private static final byte[] END = {};

  private final LinkedBlockingQueue<byte[]> sent = new LinkedBlockingQueue<>();
  private final ReadAhead connection =
      new ReadAhead(this::receive, task -> Thread.startVirtualThread(task));

  private byte @Nullable [] receive() {
    try {
      byte[] next = sent.take();
      if (next.length == 1 && next[0] == -1) {
        throw new IllegalStateException("reset");
      }
      if (next.length == 1 && next[0] == -2) {
        throw new NoClassDefFoundError("gone");
      }
      return next.length == 0 ? null : next;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] bytes(int count, int value) {
    byte[] bytes = new byte[count];
    bytes[0] = (byte) value;
    return bytes;
  }

  @Test
  void bytes_areTakenInTheirOrder_thenTheEnd() throws Exception {
    for (int i = 0; i < 100; i++) {
      sent.add(bytes(1000, i));
    }
    sent.add(END);
    for (int i = 0; i < 100; i++) {
      assertThat(connection.next(LONG)).hasSize(1000).startsWith(i);
    }
    assertThat(connection.next(LONG)).isNull();
    assertThat(connection.next(LONG)).isNull();
  }

  @Test
  void reading_pausesWhereNobodyTakes() throws Exception {
    int all = 3 * ReadAhead.MOST / 1000;
    for (int i = 0; i < all; i++) {
      sent.add(bytes(1000, i));
    }
    connection.start();
    int rest = all - ReadAhead.MOST / 1000 - 1;
    await().until(() -> sent.size() == rest);
    Thread.sleep(20);
    assertThat(sent).hasSize(rest);
    for (int i = 0; i < all; i++) {
      assertThat(connection.next(LONG)).startsWith(i);
    }
  }

  @Test
  void waitThatIsGivenUp_losesNothing() throws Exception {
    assertThatThrownBy(() -> connection.next(1000)).isInstanceOf(TimeoutException.class);
    sent.add(bytes(10, 1));
    sent.add(bytes(10, 2));
    assertThat(connection.next(LONG)).startsWith(1);
    assertThat(connection.next(LONG)).startsWith(2);
  }

  @Test
  void end_isSeenWithoutReading_unlessBytesAreBeforeIt() throws Exception {
    sent.add(bytes(10, 1));
    sent.add(END);
    connection.start();
    await().until(sent::isEmpty);
    assertThat(connection.hasEnded()).isFalse();
    assertThat(connection.next(LONG)).startsWith(1);
    await().until(connection::hasEnded);
  }

  @Test
  void failure_isThrownAfterTheBytesBeforeIt() throws Exception {
    sent.add(bytes(10, 1));
    sent.add(bytes(1, -1));
    assertThat(connection.next(LONG)).startsWith(1);
    assertThatThrownBy(() -> connection.next(LONG)).hasMessage("reset");
    assertThat(connection.hasEnded()).isTrue();
  }

  @Test
  void error_endsTheWait() {
    sent.add(bytes(1, -2));
    assertThatThrownBy(() -> connection.next(LONG)).hasRootCauseMessage("gone");
    assertThat(connection.hasEnded()).isTrue();
  }

  @Test
  void failIfAwaited_endsAWait_andNothingElse() throws Exception {
    connection.failIfAwaited(new IllegalStateException("idle"));
    sent.add(bytes(10, 1));
    assertThat(connection.next(LONG)).startsWith(1);
    CompletableFuture<byte @Nullable []> waiting =
        CompletableFuture.supplyAsync(() -> {
          try {
            return connection.next(LONG);
          } catch (TimeoutException | InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    await()
        .until(() -> {
          connection.failIfAwaited(new IllegalStateException("idle"));
          return waiting.isDone();
        });
    assertThatThrownBy(waiting::join)
        .isInstanceOf(CompletionException.class)
        .hasMessage("java.lang.IllegalStateException: idle");
  }
}
