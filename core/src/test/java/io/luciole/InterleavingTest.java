package io.luciole;

import io.luciole.model.TokenizedText;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The races that the queue's and the permits' comments argue about, run by Lincheck in many of
 * their interleavings. With the line that settles a race taken out ({@code unlink} in {@code
 * WaitingTexts.link}, {@code wakeNext} in {@code TokenPermits.release}) these fail, on JDK 25; a
 * new version of Lincheck or of the JDK wants that tried again, since Lincheck passes over class
 * files that it cannot read. It switches threads at locks, atomics and parking, and does not see
 * the lock of {@code BatchScheduler.poll} taken out: that is for {@link PipelineStressTest}.
 */
@Tag("long") // an overloaded machine makes Lincheck take a scene for hung
@Timeout(900)
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
        new Request(Input.of(""), EmbedOptions.passage(), Set.of(Output.DENSE), "", 0, new Owner());
    request.tokenized(new TokenizedText(new int[3], false));
    return request;
  }

  private static void inAllOrders(Callable<Void> scene) {
    Runnable run =
        () -> {
          try {
            scene.call();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        };
    try {
      Lincheck.runConcurrentTest(INTERLEAVINGS, run);
    } catch (AssertionError e) {
      // A scene that a busy machine holds up counts as hung, too; a deadlock hangs again.
      if (!String.valueOf(e.getMessage()).contains("has hung")) {
        throw e;
      }
      Lincheck.runConcurrentTest(INTERLEAVINGS, run);
    }
  }

  /** Not AssertJ's, which is too much for a scene that is run in every order. */
  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError("does not hold: " + what);
    }
  }

  /**
   * An action of a scene. A class and no lambda: Lincheck takes what a lambda holds for its own
   * thread's and switches threads only at locks and atomics then, not between plain reads and
   * writes.
   */
  private abstract static class Action implements Runnable {
    private @Nullable Throwable thrown;

    abstract void act() throws Exception;

    @Override
    public void run() {
      try {
        act();
      } catch (Throwable t) {
        thrown = t;
      }
    }
  }

  /** Runs actions at once; what one of them throws is thrown here. */
  private static void together(Action... actions) throws InterruptedException {
    Thread[] threads = new Thread[actions.length];
    for (int i = 0; i < actions.length; i++) {
      threads[i] = new Thread(actions[i]);
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (Action action : actions) {
      if (action.thrown != null) {
        throw new AssertionError("an action failed", action.thrown);
      }
    }
  }

  private static final class Poll extends Action {
    private final BatchScheduler queue;
    private int taken;

    Poll(BatchScheduler queue) {
      this.queue = queue;
    }

    @Override
    void act() {
      taken = queue.poll(new BatchScheduler.Limits(10, 10, 0)).size();
    }
  }

  @Test
  void aTextCancelledWhileItIsAdded_doesNotStayInTheQueue() {
    inAllOrders(() -> {
      BatchScheduler queue = queue();
      Request text = text();
      together(
          new Action() {
            @Override
            void act() {
              queue.add(List.of(text));
            }
          },
          new Action() {
            @Override
            void act() {
              text.cancel(true);
            }
          });
      check(queue.size() == 0, "the queue is empty");
      return null;
    });
  }

  @Test
  void aTextIsTakenOnce_byTwoDevices() {
    inAllOrders(() -> {
      BatchScheduler queue = queue();
      queue.add(List.of(text()));
      Poll one = new Poll(queue);
      Poll other = new Poll(queue);
      together(one, other);
      check(one.taken + other.taken == 1, "the text was taken once");
      check(queue.size() == 0, "the queue is empty");
      return null;
    });
  }

  @Test
  void roomGivenBack_reachesTheOneWhoWaits() {
    inAllOrders(() -> {
      TokenPermits permits = new TokenPermits(1, EngineSettings.UNBOUNDED);
      check(permits.tryAcquire(1), "there is room at first");
      boolean[] acquired = new boolean[1];
      together(
          new Action() {
            @Override
            void act() throws InterruptedException {
              acquired[0] = permits.acquire(1, TokenPermits.FOREVER);
            }
          },
          new Action() {
            @Override
            void act() {
              permits.release(1, 1);
            }
          });
      check(acquired[0], "room was given");
      return null;
    });
  }
}
