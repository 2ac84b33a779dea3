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
class TokenPermitsTest {
  @Test
  void noFreePermits_refusesUntilRoomIsGivenBack() {
    TokenPermits permits = new TokenPermits(10, 100);
    assertThat(permits.tryAcquire(6)).isTrue();
    assertThat(permits.tryAcquire(5)).isFalse();
    permits.release(2, 0);
    assertThat(permits.tryAcquire(5)).isTrue();
    assertThat(permits.held()).isEqualTo(9);
  }

  @Test
  void aTextLargerThanTheLimit_isLetInAlone() {
    TokenPermits permits = new TokenPermits(10, 100);
    assertThat(permits.tryAcquire(50)).isTrue();
    assertThat(permits.tryAcquire(1)).isFalse();
    permits.release(50, 1);
    assertThat(permits.tryAcquire(1)).isTrue();
    assertThat(permits.tryAcquire(50)).isFalse();
  }

  @Test
  void textsAreBounded_howeverFewTokensTheyHave() {
    TokenPermits permits = new TokenPermits(10, 2);
    assertThat(permits.tryAcquire(1)).isTrue();
    assertThat(permits.tryAcquire(1)).isTrue();
    assertThat(permits.tryAcquire(1)).isFalse();
    permits.release(-3, 0);
    permits.release(4, 1);
    assertThat(permits.tryAcquire(1)).isTrue();
    assertThat(permits.tryAcquire(1)).isFalse();
  }

  @Test
  void thoseWhoWait_getInInTheirOrder_andNobodyOvertakes() throws Exception {
    TokenPermits permits = new TokenPermits(10, 100);
    permits.tryAcquire(10);
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
                  assertThat(permits.acquire(4, TokenPermits.FOREVER)).isTrue();
                  order.add(number);
                  done.complete(null);
                } catch (Throwable t) {
                  done.completeExceptionally(t);
                }
              });
      Awaitility.await().until(() -> thread.getState() == Thread.State.TIMED_WAITING);
    }
    permits.release(1, 0);
    assertThat(permits.tryAcquire(1)).as("overtaking").isFalse();
    for (int i = 0; i < 3; i++) {
      permits.release(4, 1);
      waiting[i].get(30, TimeUnit.SECONDS);
    }
    assertThat(order).containsExactly(0, 1, 2);
  }

  @Test
  void waiting_endsWithItsLimit_andWhenThePermitsClose() throws Exception {
    TokenPermits permits = new TokenPermits(10, 100);
    permits.tryAcquire(10);
    assertThat(permits.acquire(1, 1000)).isFalse();

    CompletableFuture<Boolean> waiting =
        CompletableFuture.supplyAsync(() -> {
          try {
            return permits.acquire(1, TokenPermits.FOREVER);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    permits.close();
    assertThat(waiting.get(30, TimeUnit.SECONDS)).isFalse();
  }
}
