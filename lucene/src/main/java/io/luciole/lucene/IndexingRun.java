package io.luciole.lucene;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.Embedding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One pass over a source; see {@link HybridIndexer#indexAll}. The caller's thread reads and waits;
 * what counts documents and failures is called by the writers' threads too.
 */
final class IndexingRun {
  private static final long TICK_MILLIS = 100;

  private final IndexingSession session;
  private final DocumentSource source;
  private final Consumer<IndexingProgress> progress;
  private final IndexingTimes clock;

  /** In nanoseconds. */
  private final long commitEvery;

  private final Object failureLock = new Object();
  private final LongAdder added = new LongAdder();
  private final LongAdder updated = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder truncated = new LongAdder();
  private final LongAdder tokens = new LongAdder();

  @GuardedBy("failureLock")
  private final List<IndexingReport.Failure> failures = new ArrayList<>();

  private final AtomicReference<@Nullable IndexException> stop = new AtomicReference<>();
  private long read;
  private long skipped;
  private long lastTick;
  private long lastCommit;

  IndexingRun(
      IndexingSession session,
      DocumentSource source,
      Consumer<IndexingProgress> progress,
      IndexingTimes clock) {
    this.session = session;
    this.source = source;
    this.progress = progress;
    this.clock = clock;
    this.commitEvery = TimeUnit.NANOSECONDS.convert(session.options().commitEvery());
  }

  IndexingReport run() {
    try {
      skip();
      while (stop.get() == null && source.hasNext()) {
        readOne();
        tick();
        if (clock.elapsed() - lastCommit >= commitEvery) {
          awaitAll();
          if (stop.get() == null) {
            session.commit(new SourcePosition(source.identity(), read, false), false);
            lastCommit = clock.elapsed();
          }
        }
      }
      awaitAll();
      requireNoStop();
      requireAny();
      session.commit(new SourcePosition(source.identity(), read, true), session.options().bulk());
    } catch (IndexException e) {
      throw session.fail(e);
    } catch (Throwable t) {
      // Otherwise closing the indexer would commit half a run.
      IndexException unused =
          session.fail(new IndexException("The run over " + source.name() + " failed: " + t, t));
      throw t;
    }
    progress.accept(progress());
    return report();
  }

  /** Passes over the documents that an interrupted run has committed. */
  private void skip() {
    if (!session.options().resume()) {
      return;
    }
    long known = session.position().resumeAt(source.identity());
    while (skipped < known && source.hasNext()) {
      try {
        source.next();
      } catch (SourceException e) {
        // The interrupted run has reported it.
        if (!e.canContinue()) {
          break;
        }
      }
      skipped++;
      read++;
    }
  }

  private void readOne() {
    SourceDocument document;
    try {
      document = source.next();
      read++;
    } catch (SourceException e) {
      read++;
      fail(source.name(), e);
      if (!e.canContinue()) {
        stop.compareAndSet(null, new IndexException(String.valueOf(e.getMessage()), e));
      }
      return;
    }
    CompletableFuture<Boolean> written = null;
    while (written == null && stop.get() == null) {
      written = session.tryPut(document, TICK_MILLIS, this::count);
      tick();
    }
    if (written != null) {
      CompletableFuture<?> unused =
          written.whenComplete((replaced, failure) -> {
            if (failure == null) {
              (replaced ? updated : added).increment();
            } else {
              fail(document.id(), failure);
            }
          });
    }
  }

  private void count(Embedding embedding) {
    tokens.add(embedding.tokenCount());
    if (embedding.truncated()) {
      truncated.increment();
    }
  }

  private void fail(String id, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    failed.increment();
    String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    synchronized (failureLock) {
      if (failures.size() < IndexingReport.MAX_FAILURES) {
        failures.add(new IndexingReport.Failure(id, reason));
      }
    }
    if (cause instanceof IndexException fatal) {
      stop.compareAndSet(null, fatal);
    } else if (session.options().onFailure() == WriteOptions.OnFailure.STOP) {
      stop.compareAndSet(
          null,
          cause instanceof SourceException
              ? new IndexException(reason, cause)
              : new IndexException(
                  "Document \"" + IndexProblems.brief(id) + "\" failed: " + reason, cause));
    }
  }

  private void awaitAll() {
    while (!session.awaitAll(TICK_MILLIS)) {
      tick();
    }
  }

  private void requireNoStop() {
    IndexException reason = stop.get();
    if (reason != null) {
      throw reason;
    }
  }

  private void requireAny() {
    long count = failed.sum();
    if (count > 0 && added.sum() + updated.sum() + skipped == 0) {
      String first;
      synchronized (failureLock) {
        first = failures.get(0).reason();
      }
      throw new IndexException(
          "None of "
              + count
              + " documents of "
              + source.name()
              + " could be indexed; the first: "
              + first);
    }
  }

  private void tick() {
    long now = clock.elapsed();
    if (now - lastTick >= Duration.ofMillis(TICK_MILLIS).toNanos()) {
      lastTick = now;
      progress.accept(progress());
    }
  }

  private IndexingProgress progress() {
    return new IndexingProgress(
        added.sum() + updated.sum(),
        failed.sum(),
        tokens.sum(),
        source.fractionRead(),
        Duration.ofNanos(clock.elapsed()));
  }

  private IndexingReport report() {
    long elapsed = clock.elapsed();
    long busy = clock.writing() / session.options().writerThreads();
    synchronized (failureLock) {
      return new IndexingReport(
          added.sum(),
          updated.sum(),
          failed.sum(),
          skipped,
          truncated.sum(),
          tokens.sum(),
          Duration.ofNanos(elapsed),
          Duration.ofNanos(clock.engineIdle()),
          Duration.ofNanos(Math.max(0, elapsed - busy)),
          failures);
    }
  }
}
