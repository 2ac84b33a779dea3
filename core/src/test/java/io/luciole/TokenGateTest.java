package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TokenGateTest {
  @Test
  void aFullGate_refusesUntilRoomIsGivenBack() {
    TokenGate gate = new TokenGate(10);
    assertThat(gate.tryAcquire(6)).isTrue();
    assertThat(gate.tryAcquire(5)).isFalse();
    gate.release(2);
    assertThat(gate.tryAcquire(5)).isTrue();
    assertThat(gate.held()).isEqualTo(9);
  }

  @Test
  void aTextLargerThanTheGate_isLetInAlone() {
    TokenGate gate = new TokenGate(10);
    assertThat(gate.tryAcquire(50)).isTrue();
    assertThat(gate.tryAcquire(1)).isFalse();
    gate.release(50);
    assertThat(gate.tryAcquire(1)).isTrue();
    assertThat(gate.tryAcquire(50)).isFalse();
  }

  @Test
  void thoseWhoWait_getInInTheirOrder_andNobodyOvertakes() throws Exception {
    TokenGate gate = new TokenGate(10);
    gate.tryAcquire(10);
    List<Integer> order = new CopyOnWriteArrayList<>();
    CompletableFuture<?>[] waiting = new CompletableFuture<?>[3];
    for (int i = 0; i < 3; i++) {
      int number = i;
      CompletableFuture<Void> done = new CompletableFuture<>();
      waiting[i] = done;
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  assertThat(gate.acquire(4, TokenGate.FOREVER)).isTrue();
                  order.add(number);
                  done.complete(null);
                } catch (Throwable t) {
                  done.completeExceptionally(t);
                }
              });
      Awaitility.await().until(() -> thread.getState() == Thread.State.TIMED_WAITING);
    }
    gate.release(1);
    assertThat(gate.tryAcquire(1)).as("overtaking").isFalse();
    for (int i = 0; i < 3; i++) {
      gate.release(4);
      waiting[i].get(30, TimeUnit.SECONDS);
    }
    assertThat(order).containsExactly(0, 1, 2);
  }

  @Test
  void waiting_endsWithItsLimit_andWhenTheGateCloses() throws Exception {
    TokenGate gate = new TokenGate(10);
    gate.tryAcquire(10);
    assertThat(gate.acquire(1, 1000)).isFalse();

    CompletableFuture<Boolean> waiting =
        CompletableFuture.supplyAsync(() -> {
          try {
            return gate.acquire(1, TokenGate.FOREVER);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    gate.close();
    assertThat(waiting.get(30, TimeUnit.SECONDS)).isFalse();
  }
}
