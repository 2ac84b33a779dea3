package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Shares of what is bounded, and refusals of what cannot be done in time. */
class SharesTest {
  private final AtomicLong clock = new AtomicLong();
  private final RequestLimiter limiter =
      new RequestLimiter(Server.limits(100, 1000, 1024, 100_000), clock::get);

  private static int takeAll(Shares shares, String caller) {
    int taken = 0;
    while (shares.take(caller, 1)) {
      taken++;
    }
    return taken;
  }

  @Test
  void oneCallerTakesHalf_andEachNewOneStillFindsRoom() {
    Shares shares = new Shares(1024);
    assertThat(takeAll(shares, "a")).isEqualTo(512);
    assertThat(takeAll(shares, "b")).isEqualTo(256);
    for (int i = 0; i < 8; i++) {
      assertThat(shares.take("new-" + i, 1)).isTrue();
    }
  }

  @Test
  void callersThatWantAll_getEqualShares() {
    Shares shares = new Shares(900);
    String[] callers = {"a", "b"};
    boolean progress = true;
    int[] held = new int[2];
    while (progress) {
      progress = false;
      for (int i = 0; i < 2; i++) {
        if (shares.take(callers[i], 1)) {
          held[i]++;
          progress = true;
        }
      }
    }
    assertThat(held).containsExactly(300, 300);
  }

  @Test
  void whatIsGivenBack_canBeTakenAgain_andNothingIsForgotten() {
    Shares shares = new Shares(100);
    Random random = new Random(7);
    int[] held = new int[3];
    for (int i = 0; i < 10_000; i++) {
      int caller = random.nextInt(3);
      int count = 1 + random.nextInt(20);
      if (random.nextBoolean() && shares.take("c" + caller, count)) {
        held[caller] += count;
      } else if (held[caller] >= count) {
        shares.give("c" + caller, count);
        held[caller] -= count;
      }
      assertThat(shares.taken()).isEqualTo(held[0] + held[1] + held[2]).isLessThanOrEqualTo(100);
    }
  }

  @Test
  void moreThanThereIs_isTakenAlone() {
    Shares shares = new Shares(10);
    assertThat(shares.take("a", 50)).isTrue();
    assertThat(shares.take("a", 1)).isFalse();
    assertThat(shares.take("b", 1)).isFalse();
    shares.give("a", 50);
    assertThat(shares.take("b", 1)).isTrue();
    assertThat(shares.take("a", 50)).isFalse();
  }

  @Test
  void heavyWork_waitsForAPlace_andAnotherCallerHasOne() throws Exception {
    HeavyWork heavy = new HeavyWork(4, () -> 1);
    CountDownLatch hold = new CountDownLatch(1);
    AtomicInteger inside = new AtomicInteger();
    Callable<Boolean> parsing =
        () -> {
          inside.incrementAndGet();
          return hold.await(30, TimeUnit.SECONDS);
        };
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  boolean unused = heavy.run("a", Duration.ofSeconds(30), parsing);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    await().until(() -> inside.get() == 2);
    assertThat(heavy.run("b", Duration.ZERO, () -> "another's")).isEqualTo("another's");
    assertThatThrownBy(() -> heavy.run("a", Duration.ZERO, () -> "third"))
        .isInstanceOf(Problem.class)
        .hasMessageContaining("large requests");
    assertThat(inside).hasValue(2);
    hold.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(inside).hasValue(4);
  }

  /** The model needs the other core for those who wait for it. */
  @Test
  void heavyWorkOfOneCaller_leavesACoreOfTwo() throws Exception {
    HeavyWork heavy = new HeavyWork(2, () -> 1);
    String second =
        heavy.run(
            "a",
            Duration.ZERO,
            () -> {
              assertThatThrownBy(() -> heavy.run("a", Duration.ZERO, () -> "its second"))
                  .isInstanceOf(Problem.class);
              return heavy.run("b", Duration.ZERO, () -> "another's");
            });
    assertThat(second).isEqualTo("another's");
  }

  /** Work of 100 ms, one after the other, for a minute in which others ask for what is small. */
  @Test
  void heavyTimeOfOneCaller_isItsPartOfTheCores() throws Exception {
    AtomicInteger callers = new AtomicInteger(10);
    HeavyWork heavy = new HeavyWork(2, callers::get, clock::get);
    assertThat(heavyMillis(heavy)).isBetween(10_000L, 14_000L);
    callers.set(1);
    assertThat(heavyMillis(heavy)).isGreaterThan(59_000);
  }

  private long heavyMillis(HeavyWork heavy) throws Exception {
    long end = clock.get() + Duration.ofMinutes(1).toNanos();
    long worked = 0;
    while (clock.get() < end) {
      try {
        worked +=
            heavy.run(
                "a",
                Duration.ZERO,
                () -> {
                  clock.addAndGet(Duration.ofMillis(100).toNanos());
                  return 100;
                });
      } catch (Problem e) {
        clock.addAndGet(Duration.ofMillis(10).toNanos());
      }
    }
    assertThat(heavy.<String>run("b", Duration.ZERO, () -> "another's")).isEqualTo("another's");
    return worked;
  }

  @Test
  void oneRequestMayAlwaysBeUnderWay() {
    Shares shares = new Shares(1);
    assertThat(shares.take("a", 1)).isTrue();
    assertThat(shares.take("b", 1)).isFalse();
  }

  /** Computes 1,000 tokens a second for three seconds. */
  private void measure() {
    limiter.reserveTokens("other", 8000);
    for (int i = 0; i < 30; i++) {
      clock.addAndGet(Duration.ofMillis(100).toNanos());
      limiter.releaseTokens("other", 100);
    }
    limiter.forgetTokens("other", 5000);
  }

  @Test
  void work_isRefusedAtOnce_whenTheSpeedSaysThatItWouldNotBeDone() {
    assertThatCode(() -> limiter.requireTime("a", 1_000_000, Duration.ofSeconds(60)))
        .as("before anything was measured")
        .doesNotThrowAnyException();
    measure();
    assertThatThrownBy(() -> limiter.requireTime("a", 200_000, Duration.ofSeconds(60)))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(413))
        .hasMessageContaining("200 s")
        .hasMessageContaining("1000 tokens a second")
        .hasMessageContaining("Send fewer texts");
    assertThatCode(() -> limiter.requireTime("a", 50_000, Duration.ofSeconds(60)))
        .doesNotThrowAnyException();
  }

  @Test
  void work_isToldToComeLater_whenOnlyTheWorkOfOthersIsInItsWay() {
    measure();
    limiter.reserveTokens("other", 45_000);
    assertThatThrownBy(() -> limiter.requireTime("a", 50_000, Duration.ofSeconds(60)))
        .isInstanceOfSatisfying(
            Problem.class,
            p -> {
              assertThat(p.status()).isEqualTo(429);
              assertThat(p.retryAfterSeconds()).isEqualTo(45);
            });
    // Of another caller's work no more goes first than there is of this one's: they take turns.
    assertThatCode(() -> limiter.requireTime("a", 30_000, Duration.ofSeconds(60)))
        .doesNotThrowAnyException();
  }

  @Test
  void speed_isNotMeasuredWhileClientsSetThePace() {
    for (int i = 0; i < 100; i++) {
      limiter.reserveTokens("a", 10);
      clock.addAndGet(Duration.ofSeconds(1).toNanos());
      limiter.releaseTokens("a", 10);
    }
    assertThatCode(() -> limiter.requireTime("a", 50_000, Duration.ofSeconds(60)))
        .doesNotThrowAnyException();
  }

  @Test
  void ownProgress_endsWorkThatIsTooSlow() {
    Duration passed = Duration.ofSeconds(10);
    assertThatThrownBy(
            () -> limiter.requireProgress("a", 90_000, 10_000, passed, Duration.ofSeconds(50)))
        .isInstanceOf(Problem.class)
        .hasMessageContaining("about 90 s");
    assertThatCode(
            () -> limiter.requireProgress("a", 50_000, 10_000, passed, Duration.ofSeconds(50)))
        .doesNotThrowAnyException();
  }
}
