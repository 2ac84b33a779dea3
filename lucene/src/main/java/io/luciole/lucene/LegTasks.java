package io.luciole.lucene;

import io.luciole.EmbeddingInterruptedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import org.apache.lucene.search.TaskExecutor;
import org.apache.lucene.util.IOUtils;
import org.apache.lucene.util.ThreadInterruptedException;
import org.jspecify.annotations.Nullable;

/**
 * Runs the legs of a search beside each other, as Lucene's {@code TaskExecutor} does, but for
 * interrupts: that one returns to an interrupted caller while tasks are running, which then read an
 * index that the caller has let go of.
 */
final class LegTasks {
  private LegTasks() {}

  /**
   * Runs tasks and waits for their ends, whatever happens. The calling thread runs those that no
   * other thread has begun, so threads that run such tasks may call this, too.
   *
   * @param threads run tasks; null where only Lucene knows them
   * @param lucene runs tasks in that case
   * @param interrupted is run when the calling thread is interrupted while it waits, to make what
   *     tasks wait for end
   * @return what they gave, in their order
   * @throws IOException if the first that failed threw one, as all else that it threw
   * @throws EmbeddingInterruptedException if the calling thread was interrupted while it waited,
   *     whose flag is set again
   */
  static <T> List<T> invokeAll(
      @Nullable Executor threads,
      TaskExecutor lucene,
      List<Callable<T>> calls,
      Runnable interrupted)
      throws IOException {
    List<FutureTask<T>> tasks = calls.stream().map(FutureTask::new).toList();
    boolean wasInterrupted = false;
    if (threads == null) {
      wasInterrupted = isInterruptedIn(lucene, tasks);
    } else {
      tasks.stream().skip(1).forEach(task -> offer(threads, task));
    }
    // Does nothing where another thread has begun.
    tasks.forEach(FutureTask::run);
    Throwable failure = null;
    List<T> results = new ArrayList<>(tasks.size());
    for (FutureTask<T> task : tasks) {
      while (true) {
        try {
          results.add(task.get());
          break;
        } catch (InterruptedException e) {
          wasInterrupted = true;
          interrupted.run();
        } catch (ExecutionException e) {
          failure = IOUtils.useOrSuppress(failure, e.getCause());
          wasInterrupted |= isInterruption(e.getCause());
          break;
        }
      }
    }
    if (wasInterrupted) {
      throw interruption(failure);
    }
    if (failure != null) {
      throw IOUtils.rethrowAlways(failure);
    }
    return results;
  }

  /**
   * Whether Lucene's executor, which the vectors' search and others use within a leg, has left
   * because of an interrupt; the second where assertions are on.
   */
  private static boolean isInterruption(@Nullable Throwable failure) {
    return failure instanceof ThreadInterruptedException
        || (failure instanceof AssertionError
            && "Some tasks are still running?".equals(failure.getMessage()));
  }

  private static void offer(Executor threads, Runnable task) {
    try {
      threads.execute(task);
    } catch (RejectedExecutionException e) {
      // The calling thread runs it.
    }
  }

  /** Runs tasks by Lucene's executor; tells whether it has left because of an interrupt. */
  private static boolean isInterruptedIn(TaskExecutor lucene, List<? extends FutureTask<?>> tasks)
      throws IOException {
    try {
      List<?> unused =
          lucene.invokeAll(tasks.stream().map(task -> Executors.callable(task)).toList());
      return false;
    } catch (ThreadInterruptedException | AssertionError e) {
      // What tasks throw is kept in them.
      if (isInterruption(e)) {
        return true;
      }
      throw e;
    }
  }

  /** What an interrupted search throws; sets the calling thread's interrupt flag. */
  static EmbeddingInterruptedException interruption(@Nullable Throwable cause) {
    Thread.currentThread().interrupt();
    EmbeddingInterruptedException interruption =
        new EmbeddingInterruptedException("Interrupted while searching");
    if (cause != null) {
      Throwable unused = interruption.initCause(cause);
    }
    return interruption;
  }
}
