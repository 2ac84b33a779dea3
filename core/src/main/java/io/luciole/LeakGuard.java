package io.luciole;

import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes the {@link Pipeline} of an engine that was collected without being closed, and logs where
 * the engine was opened.
 *
 * <p>No thread of the engine refers to the {@link EmbeddingEngine}, and neither does this class, so
 * an engine that the application has dropped becomes unreachable while its threads run. Texts that
 * were submitted to it are still computed, however long that takes. The tokenizer is not closed: a
 * {@link io.luciole.model.Chunker} may still use it, and it frees its memory when it is collected.
 */
final class LeakGuard implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(LeakGuard.class);

  private static final Cleaner CLEANER = Cleaner.create();

  private final Pipeline pipeline;
  private final String model;
  private final Throwable opened;
  private final AtomicBoolean closed = new AtomicBoolean();

  private LeakGuard(Pipeline pipeline, String model) {
    this.pipeline = pipeline;
    this.model = model;
    this.opened = new Throwable("the engine was opened here");
  }

  /** Guards an engine from now on. */
  static LeakGuard over(EmbeddingEngine engine, Pipeline pipeline, String model) {
    LeakGuard guard = new LeakGuard(pipeline, model);
    CLEANER.register(engine, guard);
    return guard;
  }

  /** Called when the engine is closed as it should be. */
  void disarm() {
    closed.set(true);
  }

  /** Called by the cleaner's thread, which all engines share: it must not wait. */
  @Override
  public void run() {
    if (closed.getAndSet(true)) {
      return;
    }
    log.warn(
        "An engine of the model {} was collected without being closed. Its threads and devices are"
            + " freed now; call close() to free them at once.",
        model,
        opened);
    Thread.ofPlatform()
        .name("luciole-leak")
        .daemon()
        .start(() -> pipeline.close(Duration.ofNanos(TimeUnit.DAYS.toNanos(36_525))));
  }
}
