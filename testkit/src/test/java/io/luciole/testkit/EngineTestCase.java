package io.luciole.testkit;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.Role;
import io.luciole.spi.TokenBatch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An engine over a fake backend, and texts of which it is known what comes out. After each test
 * nothing may be left open.
 */
@Timeout(120)
abstract class EngineTestCase {
  static final String POISON = "w666";
  static final int POISON_ID = FakeModel.FIRST_WORD + 666;
  static final int CANARY_TOKENS = 3;

  @TempDir Path folder;
  final FakeBackend backend = new FakeBackend();
  private final List<CountDownLatch> latches = new ArrayList<>();

  @AfterEach
  void nothingLeaked() {
    latches.forEach(CountDownLatch::countDown);
    await().untilAsserted(() -> assertThat(backend.openSessions()).isZero());
    assertThat(backend.openOutputs()).isZero();
    assertThat(backend.misuses()).isZero();
  }

  EmbeddingEngine open(UnaryOperator<EngineBuilder> settings) {
    return settings
        .apply(
            EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
                .model(FakeModel.write(folder, 512))
                .backend(backend)
                .tokenBudget(256)
                .reopenDelay(Duration.ofMillis(20)))
        .open();
  }

  EmbeddingEngine open() {
    return open(b -> b);
  }

  private static String words(Random random, int most) {
    StringBuilder text = new StringBuilder();
    for (int n = 1 + random.nextInt(most); n > 0; n--) {
      text.append('w').append(random.nextInt(600)).append(' ');
    }
    return text.toString();
  }

  static Map<String, CompletableFuture<Embedding>> submit(
      EmbeddingEngine engine, int texts, long seed) {
    Random random = new Random(seed);
    Map<String, CompletableFuture<Embedding>> futures = new LinkedHashMap<>();
    for (int i = 0; i < texts; i++) {
      String text = words(random, 30) + "w" + i % 600 + " w" + i / 600;
      futures.put(text, engine.embed(text));
    }
    return futures;
  }

  static void assertRight(EmbeddingEngine engine, String text, Embedding embedding) {
    int[] ids = engine.tokenize(text, Role.PASSAGE).ids();
    assertThat(embedding.dense()).as(text).isEqualTo(FakeBackend.denseOf(ids));
    assertThat(embedding.tokenCount()).isEqualTo(ids.length);
  }

  static void assertAllRight(
      EmbeddingEngine engine, Map<String, CompletableFuture<Embedding>> futures) {
    futures.forEach((text, future) -> assertRight(engine, text, get(future)));
  }

  static Embedding get(CompletableFuture<Embedding> future) {
    try {
      return future.get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("the future did not complete", e);
    }
  }

  static Throwable failure(CompletableFuture<Embedding> future) {
    try {
      get(future);
    } catch (CompletionException e) {
      return requireNonNull(e.getCause());
    }
    throw new AssertionError("expected a failure");
  }

  static Predicate<TokenBatch> notCanary(Predicate<TokenBatch> which) {
    return b -> b.tokens() > CANARY_TOKENS && which.test(b);
  }

  CountDownLatch latch() {
    CountDownLatch latch = new CountDownLatch(1);
    latches.add(latch);
    return latch;
  }

  /** Blocks runs that match until the latch opens. */
  static Fault blocking(Predicate<TokenBatch> which, CountDownLatch latch) {
    return Fault.delay(batch -> {
      try {
        if (which.test(batch)) {
          latch.await();
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      return 0;
    });
  }
}
