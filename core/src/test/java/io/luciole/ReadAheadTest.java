package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReadAheadTest {
  private static Iterator<Integer> numbers(int count) {
    return IntStream.range(0, count).boxed().iterator();
  }

  private static List<Integer> all(Iterator<Integer> items) {
    List<Integer> found = new ArrayList<>();
    items.forEachRemaining(found::add);
    return found;
  }

  @Test
  void items_comeInTheirOrder_whateverThreadReads() {
    List<Integer> expected = all(numbers(5000));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        ExecutorService one = Executors.newSingleThreadExecutor()) {
      for (Executor reader : List.<Executor>of(threads, one, Runnable::run)) {
        assertThat(all(new ReadAhead<>(numbers(5000), reader))).isEqualTo(expected);
      }
    }
  }

  /** As of an executor of threads where the system gives no more of them. */
  @Test
  void executorThatThrowsAnError_isToldOnce_andIsTheEnd() {
    ReadAhead<Integer> items =
        new ReadAhead<>(
            numbers(3),
            task -> {
              throw new OutOfMemoryError("unable to create native thread");
            });

    assertThatThrownBy(items::hasNext).hasMessageContaining("unable to create native thread");
    assertThat(items.hasNext()).isFalse();
    assertThatThrownBy(items::next).isInstanceOf(NoSuchElementException.class);
  }

  /** Those that were read before come first. */
  @Test
  void executorThatRefusesLater_isToldAfterTheItemsBefore() {
    AtomicInteger tasks = new AtomicInteger();
    Executor once =
        task -> {
          if (tasks.getAndIncrement() > 0) {
            throw new OutOfMemoryError("unable to create native thread");
          }
          task.run();
        };
    ReadAhead<Integer> items = new ReadAhead<>(numbers(2000), once);

    List<Integer> found = new ArrayList<>();
    assertThatThrownBy(() -> items.forEachRemaining(found::add))
        .isInstanceOf(OutOfMemoryError.class);
    assertThat(found).hasSize(1024);
    assertThat(items.hasNext()).isFalse();
  }
}
