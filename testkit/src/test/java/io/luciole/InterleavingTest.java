package io.luciole;

import io.luciole.model.TokenizedText;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The races that the queue's and the gate's comments argue about, run by Lincheck in many of their
 * interleavings. With the line that settles a race taken out ({@code unlink} in {@code
 * WaitingTexts.link}, the lock of {@code BatchScheduler.poll}, {@code wakeNext} in {@code
 * TokenGate.release}) these fail, on JDK 21 and 25; a new version of Lincheck or of the JDK wants
 * that tried again, since Lincheck passes over class files that it cannot read.
 */
@Timeout(300)
class InterleavingTest {
  private static final int INTERLEAVINGS = 200;

  private static final class Owner implements Request.Owner {
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
  }

  private static BatchScheduler queue() {
    return new BatchScheduler(true, 0, () -> 0L, () -> 0L);
  }

  private static Request text() {
    Request request =
        new Request("", EmbedOptions.passage(), Set.of(Output.DENSE), "", 0, new Owner());
    request.tokenized(new TokenizedText(new int[3], false));
    return request;
  }

  private static void inAllOrders(Callable<Void> scene) {
    Lincheck.runConcurrentTest(
        INTERLEAVINGS,
        () -> {
          try {
            scene.call();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  /** Not AssertJ's, which is too much for a scene that is run in every order. */
  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError("does not hold: " + what);
    }
  }

  /** Runs actions at once; what one of them throws is thrown here. */
  private static void together(Runnable... actions) throws InterruptedException {
    Throwable[] thrown = new Throwable[actions.length];
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < actions.length; i++) {
      int index = i;
      threads.add(
          new Thread(() -> {
            try {
              actions[index].run();
            } catch (Throwable t) {
              thrown[index] = t;
            }
          }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    for (Throwable t : thrown) {
      if (t != null) {
        throw new AssertionError("an action failed", t);
      }
    }
  }

  @Test
  void aTextCancelledWhileItIsAdded_doesNotStayInTheQueue() {
    inAllOrders(() -> {
      BatchScheduler queue = queue();
      Request text = text();
      together(() -> queue.add(List.of(text)), () -> text.cancel(true));
      check(queue.size() == 0, "the queue is empty");
      return null;
    });
  }

  @Test
  void aTextIsTakenOnce_whateverElseHappensToIt() {
    inAllOrders(() -> {
      BatchScheduler queue = queue();
      Request text = text();
      List<Request> taken = Collections.synchronizedList(new ArrayList<>());
      BatchScheduler.Limits limits = new BatchScheduler.Limits(10, 10, 0);
      queue.add(List.of(text));
      together(
          () -> taken.addAll(queue.poll(limits)),
          () -> taken.addAll(queue.poll(limits)),
          () -> taken.addAll(queue.removeAll()));
      check(taken.size() == 1 && taken.get(0) == text, "the text was taken once");
      check(queue.size() == 0, "the queue is empty");
      return null;
    });
  }

  @Test
  void roomGivenBack_reachesTheOneWhoWaits() {
    inAllOrders(() -> {
      TokenGate gate = new TokenGate(1);
      check(gate.tryAcquire(1), "there is room at first");
      boolean[] acquired = new boolean[1];
      together(
          () -> {
            try {
              acquired[0] = gate.acquire(1, TokenGate.FOREVER);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          },
          () -> gate.release(1));
      check(acquired[0], "room was given");
      return null;
    });
  }
}
