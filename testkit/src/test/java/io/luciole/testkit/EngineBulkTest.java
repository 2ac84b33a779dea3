package io.luciole.testkit;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.DeadlineExceededException;
import io.luciole.EmbedOptions;
import io.luciole.Embedded;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.EngineStats;
import io.luciole.spi.TokenBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many texts in one call: pairs of items and embeddings, deadlines, interrupts, early ends. */
@Timeout(120)
class EngineBulkTest extends EngineTestCase {
  private record Line(int number, String text) {}

  private static List<Line> lines(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> new Line(i, "w" + i % 1000 + " w7".repeat(i % 20)))
        .toList();
  }

  /** What a thread threw, and whether it was still interrupted then. */
  private record Thrown(Throwable failure, boolean interrupted) {}

  /** Interrupts a thread once it waits, and tells what it threw. */
  private static Thrown interrupted(Runnable work) throws Exception {
    CompletableFuture<Thrown> thrown = new CompletableFuture<>();
    Thread thread =
        Thread.ofPlatform()
            .start(() -> {
              try {
                work.run();
                thrown.completeExceptionally(new AssertionError("nothing was thrown"));
              } catch (Throwable t) {
                thrown.complete(new Thrown(t, Thread.currentThread().isInterrupted()));
              }
            });
    await()
        .until(() ->
            thread.getState() == Thread.State.WAITING
                || thread.getState() == Thread.State.TIMED_WAITING);
    thread.interrupt();
    return thrown.get(60, TimeUnit.SECONDS);
  }

  private static void assertInterrupted(Thrown thrown) {
    assertThat(thrown.failure()).isInstanceOf(EmbeddingInterruptedException.class);
    assertThat(thrown.interrupted()).as("the interrupt flag").isTrue();
  }

  private void assertDropped(EmbeddingEngine engine, int atLeast) {
    await()
        .untilAsserted(() ->
            assertThat(engine.stats().failures().get(EngineStats.Failure.CANCELLED))
                .isGreaterThanOrEqualTo(atLeast));
    assertThat(engine.stats().bulk().texts()).isZero();
  }

  @Test
  void aPassedDeadline_hasATypeOfItsOwn() {
    CountDownLatch blocked = latch();
    backend.faults(blocking(b -> true, blocked));
    EmbedOptions soon = EmbedOptions.passage().timeout(Duration.ofMillis(20));
    try (EmbeddingEngine engine = open()) {
      CompletableFuture<Embedding> running = engine.embed("w0");
      await().until(() -> backend.runs() > 0);
      assertThat(failure(engine.embed("w1", soon))).isInstanceOf(DeadlineExceededException.class);
      assertThatThrownBy(() -> engine.embedAll(List.of("w1", "w2"), soon))
          .isInstanceOf(DeadlineExceededException.class);
      Iterator<Embedding> each = engine.embedAll(List.of("w1").iterator(), soon);
      assertThatThrownBy(each::next).isInstanceOf(DeadlineExceededException.class);
      blocked.countDown();
      get(running);
    }
  }

  @Test
  void interruptingAList_dropsWhatWaits() throws Exception {
    CountDownLatch blocked = latch();
    backend.faults(blocking(b -> true, blocked));
    List<String> texts = lines(1000).stream().map(Line::text).toList();
    try (EmbeddingEngine engine = open()) {
      assertInterrupted(interrupted(() -> engine.embedAll(texts, EmbedOptions.passage())));
      assertDropped(engine, 1000);
      blocked.countDown();
    }
  }

  @Test
  void interruptingAListThatWaitsForRoom_isNoOverload() throws Exception {
    CountDownLatch blocked = latch();
    backend.faults(blocking(b -> true, blocked));
    List<String> texts = lines(1000).stream().map(Line::text).toList();
    try (EmbeddingEngine engine = open(b -> b.maxWaitingTokens(100))) {
      assertInterrupted(interrupted(() -> engine.embedAll(texts, EmbedOptions.passage())));
      assertDropped(engine, 1);
      List<CompletableFuture<Embedding>> taken = new ArrayList<>();
      assertInterrupted(interrupted(() -> texts.forEach(text -> taken.add(engine.embed(text)))));
      blocked.countDown();
    }
  }

  @Test
  void interruptingAnIterator_dropsWhatWaits_andLosesNothingThatIsThere() throws Exception {
    CountDownLatch blocked = latch();
    AtomicBoolean block = new AtomicBoolean();
    backend.faults(blocking(b -> block.get(), blocked));
    try (EmbeddingEngine engine = open()) {
      Iterator<Embedded<Line>> each =
          engine.embedAll(lines(3000).iterator(), Line::text, EmbedOptions.passage());
      assertThat(each.next().source().number()).isZero();
      block.set(true);
      AtomicInteger seen = new AtomicInteger();
      assertInterrupted(
          interrupted(() -> {
            while (true) {
              assertThat(each.next().source().number()).isEqualTo(seen.incrementAndGet());
            }
          }));
      assertDropped(engine, 1);
      blocked.countDown();
      int last = 0;
      int dropped = 1;
      while (each.hasNext()) {
        try {
          last = each.next().source().number();
          seen.incrementAndGet();
        } catch (EmbeddingInterruptedException e) {
          dropped++;
        }
      }
      assertThat(last).isEqualTo(2999);
      assertThat(1 + seen.get() + dropped).isEqualTo(3000);
    }
  }

  @Test
  void eachItem_comesWithItsEmbedding() {
    List<Line> lines = lines(2000);
    try (EmbeddingEngine engine = open()) {
      List<Line> seen = new ArrayList<>();
      engine
          .embedAll(lines.iterator(), Line::text, EmbedOptions.passage())
          .forEachRemaining(pair -> {
            assertRight(engine, pair.source().text(), pair.embedding());
            seen.add(pair.source());
          });
      assertThat(seen).isEqualTo(lines);
      try (Stream<Embedded<Line>> stream =
          engine.embedAll(lines.stream(), Line::text, EmbedOptions.passage())) {
        assertThat(stream.map(Embedded::source)).isEqualTo(lines);
      }
    }
  }

  @Test
  void aStream_isLazy_andDropsTheRestWhenItIsClosed() {
    AtomicInteger read = new AtomicInteger();
    AtomicBoolean closed = new AtomicBoolean();
    CountDownLatch blocked = latch();
    // Batches of one text each may overtake each other: one is prefetched, and the next one taken.
    AtomicInteger words = new AtomicInteger();
    Predicate<TokenBatch> word =
        Fault.holding(FakeModel.FIRST_WORD + 1).or(Fault.holding(FakeModel.FIRST_WORD + 2));
    Predicate<TokenBatch> behindBoth =
        batch -> (word.test(batch) ? words.incrementAndGet() : words.get()) == 2;
    backend.faults(blocking(behindBoth.and(Fault.holding(POISON_ID)), blocked));
    try (EmbeddingEngine engine = open(b -> b.tokenBudget(4))) {
      Stream<String> texts =
          Stream.concat(Stream.of("w1", "w2"), Stream.generate(() -> POISON))
              .peek(text -> read.incrementAndGet())
              .onClose(() -> closed.set(true));
      try (Stream<Embedded<String>> stream =
          engine.embedAll(texts, text -> text, EmbedOptions.passage())) {
        assertThat(read).hasValue(0);
        assertThat(stream.limit(2).map(Embedded::source)).containsExactly("w1", "w2");
      }
      assertThat(read.get()).isBetween(2, 100);
      assertThat(closed).isTrue();
      assertDropped(engine, 1);
      blocked.countDown();
    }
  }

  @Test
  @SuppressWarnings("NullAway") // The null text is what is tested.
  void whatIsWrongWithTheItems_isToldInItsTurn() {
    Iterator<Line> source =
        new Iterator<>() {
          private final Iterator<Line> some =
              Arrays.asList(new Line(0, "w0"), null, new Line(2, null), new Line(3, "w3"))
                  .iterator();

          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public Line next() {
            if (!some.hasNext()) {
              throw new IllegalStateException("the source broke");
            }
            return some.next();
          }
        };
    try (EmbeddingEngine engine = open()) {
      Iterator<Embedded<Line>> each = engine.embedAll(source, Line::text, EmbedOptions.passage());
      assertThat(each.next().source().number()).isZero();
      assertThatThrownBy(each::next)
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("Item 1 ");
      assertThatThrownBy(each::next)
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("text of item 2 ");
      assertThat(each.next().source().number()).isEqualTo(3);
      assertThatThrownBy(each::next).hasMessage("the source broke");
      assertThat(each.hasNext()).isFalse();

      assertThatThrownBy(() -> engine.embedAll(Arrays.asList("w1", null), EmbedOptions.passage()))
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("Text 1 ");
    }
  }

  @Test
  void whatASourceThrowsWhenItIsAskedForMore_comesLast_andEndsIt() {
    AtomicInteger asked = new AtomicInteger();
    Iterator<String> source =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            if (asked.incrementAndGet() == 1) {
              throw new IllegalStateException("the source broke");
            }
            return true;
          }

          @Override
          public String next() {
            return "w1";
          }
        };
    try (EmbeddingEngine engine = open()) {
      Iterator<Embedding> each = engine.embedAll(source, EmbedOptions.passage());
      assertThat(each.hasNext()).isTrue();
      assertThatThrownBy(each::next).hasMessage("the source broke");
      assertThat(each.hasNext()).isFalse();
      assertThatThrownBy(each::next).isInstanceOf(NoSuchElementException.class);
      assertThat(asked).hasValue(1);
    }
  }

  @Test
  void aSourceThatBlocks_holdsNoFinishedResultBack() throws Exception {
    BlockingQueue<Line> queue = new LinkedBlockingQueue<>();
    Iterator<Line> live =
        new Iterator<>() {
          private @Nullable Line ahead;

          @Override
          public boolean hasNext() {
            try {
              ahead = ahead == null ? queue.take() : ahead;
              return ahead.number() >= 0;
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }

          @Override
          public Line next() {
            Line line = requireNonNull(ahead);
            ahead = null;
            return line;
          }
        };
    try (EmbeddingEngine engine = open();
        ExecutorService reader = Executors.newVirtualThreadPerTaskExecutor()) {
      Iterator<Embedded<Line>> each =
          engine.embedAll(live, Line::text, EmbedOptions.passage(), reader);
      List<Line> lines = lines(3);
      for (Line line : lines) {
        queue.add(line);
        // The source has nothing more until this result is there.
        assertThat(each.hasNext()).isTrue();
        assertThat(each.next().source()).isEqualTo(line);
      }
      queue.add(new Line(-1, "the end"));
      assertThat(each.hasNext()).isFalse();
    }
  }

  @Test
  void aSourceReadByOthers_givesAllInOrderAndThenItsFailure() {
    List<Line> lines = lines(3000);
    Iterator<Line> failing =
        Stream.concat(
                lines.stream(),
                Stream.generate(() -> {
                  throw new IllegalStateException("the source broke");
                }))
            .iterator();
    try (EmbeddingEngine engine = open();
        ExecutorService reader = Executors.newVirtualThreadPerTaskExecutor()) {
      Iterator<Embedded<Line>> each =
          engine.embedAll(failing, Line::text, EmbedOptions.passage(), reader);
      for (Line line : lines) {
        assertThat(each.next().source()).isEqualTo(line);
      }
      assertThatThrownBy(each::next).hasMessage("the source broke");
      assertThat(each.hasNext()).isFalse();
    }
  }

  @Test
  void interruptingOneWhoWaitsForABlockedSource_endsTheWait() throws Exception {
    CountDownLatch never = latch();
    Iterator<Line> live =
        Stream.<Line>generate(
                () -> {
                  try {
                    never.await();
                    return new Line(0, "w0");
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                })
            .iterator();
    try (EmbeddingEngine engine = open();
        ExecutorService reader = Executors.newVirtualThreadPerTaskExecutor()) {
      Iterator<Embedded<Line>> each =
          engine.embedAll(live, Line::text, EmbedOptions.passage(), reader);
      assertInterrupted(interrupted(each::next));
      never.countDown();
    }
  }
}
