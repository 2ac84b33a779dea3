package io.luciole;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.model.TokenizedText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class BatchSchedulerTest {
  private static final BatchScheduler.Limits BUDGET_100 = new BatchScheduler.Limits(100, 1000, 0);

  private long now;
  private long upstream;

  /** Counts settlings; takes settled texts out of their queue as the pipeline does. */
  private final Request.Owner owner =
      new Request.Owner() {
        @Override
        public void attempting(Request request) {}

        @Override
        public void settling(Request request, Request.Ending ending, @Nullable Throwable failure) {
          BatchScheduler holder = request.holder;
          if (holder != null) {
            holder.remove(request);
          }
        }

        @Override
        public void attempted(Request request) {}
      };

  private BatchScheduler padding() {
    return new BatchScheduler(true, 0, () -> now, () -> upstream);
  }

  private BatchScheduler packing() {
    return new BatchScheduler(false, 0, () -> now, () -> upstream);
  }

  private Request text(int length, EmbedOptions options) {
    Request request =
        new Request(
            Input.of(""), options, Set.of(Output.DENSE), options.job().orElse(""), now, owner);
    request.tokenized(new TokenizedText(new int[length], false));
    return request;
  }

  private Request bulk(int length) {
    return text(length, EmbedOptions.passage());
  }

  private Request bulk(int length, Object job) {
    return text(length, EmbedOptions.passage().job(job));
  }

  private Request query(int length) {
    return text(length, EmbedOptions.query());
  }

  private static List<Integer> lengths(List<Request> batch) {
    return batch.stream().map(r -> r.length).toList();
  }

  @Test
  void buckets_areContiguousAndAtMostAnEighthWide() {
    int before = 0;
    for (int length = 1; length < 20_000; length++) {
      int bucket = WaitingTexts.bucketOf(length);
      assertThat(bucket - before).isBetween(0, 1);
      assertThat(WaitingTexts.shortestOf(bucket)).isLessThanOrEqualTo(length);
      assertThat(WaitingTexts.shortestOf(bucket + 1)).isGreaterThan(length);
      assertThat(WaitingTexts.bucketOf(WaitingTexts.shortestOf(bucket))).isEqualTo(bucket);
      assertThat(length / (double) WaitingTexts.shortestOf(bucket)).isLessThanOrEqualTo(1.125);
      before = bucket;
    }
  }

  @Test
  void packedBatch_takesTextsInOrderWithinTheBudget() {
    BatchScheduler queue = packing();
    queue.add(List.of(bulk(40), bulk(3), bulk(57), bulk(1), bulk(200), bulk(5)));

    assertThat(lengths(queue.poll(BUDGET_100))).containsExactly(40, 3, 57);
    assertThat(lengths(queue.poll(BUDGET_100))).containsExactly(1);
    assertThat(lengths(queue.poll(BUDGET_100))).containsExactly(200);
    assertThat(lengths(queue.poll(BUDGET_100))).containsExactly(5);
    assertThat(queue.poll(BUDGET_100)).isEmpty();
  }

  @Test
  void paddedBatch_takesSimilarLengthsWithinTheBudgetOfTheLongest() {
    BatchScheduler queue = padding();
    List<Request> texts = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      texts.add(bulk(10));
      texts.add(bulk(50));
    }
    queue.add(texts);

    List<List<Integer>> batches = new ArrayList<>();
    for (List<Request> b = queue.poll(BUDGET_100); !b.isEmpty(); b = queue.poll(BUDGET_100)) {
      batches.add(lengths(b));
    }
    assertThat(batches).hasSize(6);
    assertThat(batches).allSatisfy(b -> assertThat(b).containsOnly(b.get(0)));
    assertThat(batches).allSatisfy(b -> assertThat(b.size() * b.get(0)).isEqualTo(100));
  }

  @Test
  void paddedBatch_fillsWithShorterTextsWhereTheDeviceCostsTheSame() {
    BatchScheduler queue = padding();
    queue.add(List.of(bulk(10), bulk(100), bulk(30)));

    assertThat(lengths(queue.poll(new BatchScheduler.Limits(4096, 1000, 1024))))
        .containsExactlyInAnyOrder(10, 100, 30);
  }

  @Test
  void paddedBatch_withoutFixedCostKeepsUnlikeLengthsApart() {
    BatchScheduler queue = padding();
    queue.add(List.of(bulk(10), bulk(100), bulk(30)));

    for (int i = 0; i < 3; i++) {
      assertThat(queue.poll(new BatchScheduler.Limits(4096, 1000, 0))).hasSize(1);
    }
  }

  @Test
  void interactiveTexts_goBeforeBulk_andBulkKeepsAShare() {
    BatchScheduler queue = padding();
    for (int i = 0; i < 5000; i++) {
      queue.add(List.of(bulk(10)));
    }
    int bulkBatches = 0;
    for (int i = 0; i < 400; i++) {
      queue.add(List.of(query(50), query(50), query(50)));
      List<Request> batch = queue.poll(BUDGET_100);
      assertThat(batch.stream().map(r -> r.lane).distinct()).hasSize(1);
      if (i == 0) {
        assertThat(batch.get(0).lane).isEqualTo(Lane.INTERACTIVE);
      }
      bulkBatches += batch.get(0).lane == Lane.BULK ? 1 : 0;
    }
    assertThat(bulkBatches).isBetween(400 / 9, 400 / 6);
  }

  @Test
  void aSmallJob_isNotHeldBackByALargeOne() {
    for (boolean pads : new boolean[] {true, false}) {
      BatchScheduler queue = pads ? padding() : packing();
      for (int i = 0; i < 20_000; i++) {
        queue.add(List.of(bulk(10, "large")));
      }
      for (int i = 0; i < 100; i++) {
        queue.add(List.of(bulk(10, "small")));
      }
      int batches = 0;
      int small = 0;
      while (small < 100) {
        batches++;
        small += (int) queue.poll(BUDGET_100).stream().filter(r -> r.job.equals("small")).count();
      }
      assertThat(batches).as("batches until a job of 10 batches is done").isLessThanOrEqualTo(21);
    }
  }

  @Test
  void jobs_getEqualSharesOfTokens_whateverTheirLengths() {
    BatchScheduler queue = padding();
    for (int i = 0; i < 3000; i++) {
      queue.add(List.of(bulk(50, "long"), bulk(10, "short"), bulk(9, "short"), bulk(11, "short")));
    }
    Map<Object, Integer> tokens = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      queue.poll(BUDGET_100).forEach(r -> tokens.merge(r.job, r.length, Integer::sum));
    }
    double ratio = tokens.getOrDefault("long", 0) / (double) tokens.getOrDefault("short", 0);
    assertThat(ratio).isBetween(0.8, 1.25);
  }

  @Test
  void aText_isOvertakenByBoundedWork() {
    BatchScheduler queue = padding();
    Request odd = bulk(70);
    queue.add(List.of(odd));
    for (int i = 0; i < 5000; i++) {
      queue.add(List.of(bulk(10)));
    }
    int batches = 1;
    while (!queue.poll(BUDGET_100).contains(odd)) {
      batches++;
    }
    assertThat(batches).isBetween(2, BatchScheduler.MAX_OVERTAKEN + 2);
  }

  @Test
  void aJobThatChangesWhileItsTextsWait_losesNone() {
    BatchScheduler queue = padding();
    List<Object> job = new ArrayList<>(List.of("a"));
    queue.add(List.of(bulk(10, job), bulk(10, job)));
    job.set(0, "b");
    assertThat(queue.poll(BUDGET_100)).hasSize(2);
    job.set(0, "a");
    queue.add(bulk(10, job));
    assertThat(queue.poll(BUDGET_100)).hasSize(1);
    assertThat(queue.poll(BUDGET_100)).isEmpty();
  }

  @Test
  void aJobThatBecomesAnother_losesNone() {
    BatchScheduler queue = padding();
    List<Object> job = new ArrayList<>(List.of("a"));
    queue.add(bulk(10, job));
    job.set(0, "b");
    Request other = bulk(10, List.of("a"));
    queue.add(other);
    job.set(0, "a");
    other.cancel(false);
    queue.add(bulk(10, List.of("a")));
    assertThat(queue.poll(BUDGET_100)).hasSize(2);
    queue.add(bulk(10, List.of("a")));
    assertThat(queue.poll(BUDGET_100)).hasSize(1);
  }

  @Test
  void aJobThatCannotBeCompared_isOneOfItsOwn() {
    @SuppressWarnings("EqualsBrokenForNull")
    final class Broken {
      @Override
      public boolean equals(@Nullable Object other) {
        throw new IllegalStateException("a job that throws, as was asked for");
      }

      @Override
      public int hashCode() {
        return 7;
      }
    }

    BatchScheduler queue = padding();
    queue.add(List.of(bulk(10, new Broken()), bulk(10, new Broken()), bulk(10, 7)));
    assertThat(queue.poll(BUDGET_100)).hasSize(3);
    assertThat(queue.poll(BUDGET_100)).isEmpty();
  }

  @Test
  void expiredAndCancelledTexts_areNotTaken() {
    BatchScheduler queue = padding();
    Request expiring = text(10, EmbedOptions.passage().timeout(Duration.ofNanos(5)));
    Request lasting = text(10, EmbedOptions.passage().timeout(Duration.ofNanos(50)));
    Request cancelled = bulk(10);
    Request plain = bulk(10);
    queue.add(List.of(expiring, lasting, cancelled, plain));
    cancelled.cancel(true);
    assertThat(queue.size()).isEqualTo(3);
    now += 5;

    assertThat(queue.poll(BUDGET_100)).containsExactlyInAnyOrder(lasting, plain);
    assertThat(queue.removeExpired()).containsExactly(expiring);
    assertThat(queue.size()).isZero();
  }

  @Test
  void deadlines_areFoundWithoutABatch_alsoWhereTheClockWraps() {
    now = Long.MAX_VALUE - 2;
    BatchScheduler queue = padding();
    Request first = text(10, EmbedOptions.passage().timeout(Duration.ofNanos(5)));
    Request second = text(10, EmbedOptions.passage().timeout(Duration.ofNanos(1)));
    queue.add(List.of(first, second));

    now += 1;
    assertThat(queue.removeExpired()).containsExactly(second);
    assertThat(queue.removeExpired()).isEmpty();
    now += 10;
    assertThat(queue.removeExpired()).containsExactly(first);
  }

  @Test
  void textsThatWantTokenVectors_goApart() {
    BatchScheduler queue = padding();
    Request colbert =
        new Request(Input.of(""), EmbedOptions.passage(), Set.of(Output.COLBERT), "", now, owner);
    colbert.tokenized(new TokenizedText(new int[10], false));
    queue.add(List.of(bulk(10), colbert, bulk(10)));

    assertThat(queue.poll(BUDGET_100).size() * queue.poll(BUDGET_100).size()).isEqualTo(2);
  }

  @Test
  void aBarredQueue_refuses() {
    BatchScheduler queue = padding();
    queue.rejectNew();
    assertThat(queue.add(List.of(bulk(1)))).isFalse();
    queue.acceptNew();
    assertThat(queue.add(List.of(bulk(1)))).isTrue();
  }

  @Test
  void randomUse_losesNothing_doublesNothing_andKeepsEveryLimit() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 40; round++) {
      boolean pads = random.nextBoolean();
      BatchScheduler queue = pads ? padding() : packing();
      Set<Request> inside = java.util.Collections.newSetFromMap(new IdentityHashMap<>());
      Set<Request> gone = new HashSet<>();
      for (int step = 0; step < 2000; step++) {
        now += random.nextInt(3);
        int budget = 1 + random.nextInt(2000);
        BatchScheduler.Limits limits =
            new BatchScheduler.Limits(budget, 1 + random.nextInt(50), random.nextInt(500));
        switch (random.nextInt(6)) {
          case 0, 1, 2 -> {
            EmbedOptions options =
                (random.nextInt(4) == 0 ? EmbedOptions.query() : EmbedOptions.passage())
                    .job(random.nextInt(5));
            if (random.nextInt(5) == 0) {
              options = options.timeout(Duration.ofNanos(1 + random.nextInt(500)));
            }
            Request r = text(1 + random.nextInt(random.nextInt(10) == 0 ? 3000 : 60), options);
            queue.add(List.of(r));
            inside.add(r);
          }
          case 3 -> {
            List<Request> batch = queue.poll(limits);
            long longest = batch.stream().mapToLong(r -> r.length).max().orElse(0);
            long sum = batch.stream().mapToLong(r -> r.length).sum();
            long cost = pads ? longest * batch.size() : sum;
            assertThat(batch.size() == 1 || cost <= budget).as("seed %d", seed).isTrue();
            assertThat(batch.size()).as("seed %d", seed).isLessThanOrEqualTo(limits.texts());
            for (Request r : batch) {
              assertThat(inside.remove(r)).as("seed %d", seed).isTrue();
              assertThat(r.isExpired(now)).as("seed %d", seed).isFalse();
              assertThat(gone.add(r)).as("seed %d", seed).isTrue();
            }
          }
          case 4 -> {
            if (!inside.isEmpty()) {
              Request r = inside.iterator().next();
              r.cancel(false);
              inside.remove(r);
            }
          }
          default ->
              queue
                  .removeExpired()
                  .forEach(r -> {
                    assertThat(r.isExpired(now)).as("seed %d", seed).isTrue();
                    assertThat(inside.remove(r) || r.isSettled()).as("seed %d", seed).isTrue();
                  });
        }
      }
      queue.removeExpired().forEach(inside::remove);
      List<Request> rest = queue.removeAll();
      assertThat(new HashSet<>(rest)).as("seed %d", seed).isEqualTo(inside);
      assertThat(queue.size()).as("seed %d", seed).isZero();
      assertThat(queue.depth(Lane.BULK)).isEqualTo(new BatchScheduler.Depth(0, 0));
      assertThat(queue.depth(Lane.INTERACTIVE)).isEqualTo(new BatchScheduler.Depth(0, 0));
    }
  }

  @Test
  void theConsumerThatWaitedLast_getsTheNextTexts() throws Exception {
    BatchScheduler queue = packing();
    BlockingQueue<String> got = new LinkedBlockingQueue<>();
    List<Thread> consumers = new ArrayList<>();
    for (String name : List.of("first", "second")) {
      Thread consumer =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  while (queue.take(consumer(BUDGET_100)) != null) {
                    got.add(name);
                  }
                } catch (InterruptedException e) {
                  got.add(name + " was interrupted");
                }
              });
      consumers.add(consumer);
      awaitWaiting(consumer);
    }

    for (int i = 0; i < 5; i++) {
      queue.add(query(3));
      assertThat(got.take()).isEqualTo("second");
      awaitWaiting(consumers.get(1));
    }
    consumers.get(1).interrupt();
    assertThat(got.take()).isEqualTo("second was interrupted");
    queue.add(query(3));
    assertThat(got.take()).isEqualTo("first");

    queue.close();
    for (Thread consumer : consumers) {
      consumer.join();
    }
  }

  /** Has the queue know callers who come back. */
  private void teach(BatchScheduler queue, BatchScheduler.Limits limits) {
    for (int i = 0; i < 20; i++) {
      queue.ran(2, 1_000_000);
      queue.add(List.of(query(10), query(10)));
      queue.poll(limits);
    }
  }

  @Test
  void freeDevice_expectsThoseWhoWereJustAnswered_whereAFewTextsWait() throws Exception {
    BatchScheduler.Limits limits = new BatchScheduler.Limits(4096, 1000, 1024);
    BatchScheduler queue = packing();
    BlockingQueue<List<Integer>> batches = new LinkedBlockingQueue<>();
    teach(queue, limits);
    queue.add(query(7)); // of another caller, during the run
    queue.ran(2, 1_000_000);
    queue.add(query(8));
    Thread device =
        Thread.ofPlatform()
            .start(() -> {
              try {
                batches.add(lengths(requireNonNull(queue.take(consumer(limits)))));
                batches.add(lengths(requireNonNull(queue.take(consumer(limits)))));
              } catch (InterruptedException e) {
                batches.add(List.of());
              }
            });
    // The clock stands still: without the second caller's next text the device would wait for ever.
    queue.add(query(9));
    assertThat(batches.take()).containsExactly(7, 8, 9);

    // Nobody comes back, and the time for it passes.
    queue.ran(2, 1_000_000);
    queue.add(query(5));
    now += 250_001;
    queue.wake();
    assertThat(batches.take()).containsExactly(5);
    device.join();
  }

  @Test
  void freeDevice_expectsNobody_whereThatCostsMoreThanItSaves() throws Exception {
    BatchScheduler.Limits limits = new BatchScheduler.Limits(4096, 1000, 1024);
    BatchScheduler queue = packing();
    teach(queue, limits);
    queue.ran(2, 1_000_000);
    queue.add(query(1024)); // its own tokens cost as much as starting
    assertThat(lengths(requireNonNull(queue.take(consumer(limits))))).containsExactly(1024);

    queue.ran(2, 1_000_000);
    queue.add(List.of(query(7), bulk(8))); // the device has something else to do
    assertThat(lengths(requireNonNull(queue.take(consumer(limits))))).containsExactly(7);
    queue.poll(limits);

    queue.ran(2, 1_000_000);
    queue.add(query(7));
    queue.flush();
    assertThat(lengths(requireNonNull(queue.take(consumer(limits))))).containsExactly(7);
  }

  private static BatchConsumer consumer(BatchScheduler.Limits limits) {
    return new BatchConsumer() {
      @Override
      public BatchScheduler.Limits limits() {
        return limits;
      }

      @Override
      public boolean stopped() {
        return false;
      }
    };
  }

  private static void awaitWaiting(Thread thread) {
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
  }
}
