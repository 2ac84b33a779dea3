package io.luciole.lucene;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Counts the documents that were written, deleted or added in a session and those of them that are
 * committed, and tells who waits for a commit. Safe for use by many threads.
 */
final class ChangeCount {
  /** Waits until so many changes are committed. */
  private record Waiting(long until, CompletableFuture<Void> done) {}

  @GuardedBy("this")
  private final List<Waiting> waiting = new ArrayList<>();

  @GuardedBy("this")
  private long made;

  @GuardedBy("this")
  private long committed;

  @GuardedBy("this")
  private @Nullable IndexException lost;

  /** Notes changes, which Lucene's writer has already. */
  synchronized void add(long changes) {
    made += changes;
  }

  /** How many changes there were. A commit that starts now has all of them. */
  synchronized long made() {
    return made;
  }

  /** How many changes are not committed. */
  synchronized long uncommitted() {
    return made - committed;
  }

  /** Completes when all changes so far are committed; fails if they are lost. */
  CompletableFuture<Void> whenCommitted() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    synchronized (this) {
      if (committed >= made) {
        done.complete(null);
      } else if (lost != null) {
        done.completeExceptionally(lost);
      } else {
        waiting.add(new Waiting(made, done));
      }
    }
    return done;
  }

  /** Notes that a commit has the first changes, as many as {@link #made} told before it. */
  void committed(long changes) {
    List<Waiting> served = new ArrayList<>();
    synchronized (this) {
      committed = Math.max(committed, changes);
      for (Iterator<Waiting> all = waiting.iterator(); all.hasNext(); ) {
        Waiting each = all.next();
        if (each.until() <= committed) {
          served.add(each);
          all.remove();
        }
      }
    }
    served.forEach(each -> each.done().complete(null));
  }

  /** Tells who waits for a commit that it has failed; a later one may succeed. */
  void notCommitted(IndexException reason) {
    List<Waiting> failed;
    synchronized (this) {
      failed = List.copyOf(waiting);
      waiting.clear();
    }
    failed.forEach(each -> each.done().completeExceptionally(reason));
  }

  /** Notes that what is not committed will never be. */
  void lose(IndexException reason) {
    synchronized (this) {
      lost = lost == null ? reason : lost;
    }
    notCommitted(reason);
  }
}
