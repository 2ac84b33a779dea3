package io.luciole;

import io.luciole.model.ModelDescription;
import io.luciole.model.TokenizedText;
import io.luciole.spi.TokenBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of a text through the engine:
 *
 * <pre>
 * submit ─▶ admission ─▶ raw queue ─▶ tokenizer threads ─▶ ready queue ─▶ device threads ─▶ results
 *            (bound)  │ (scheduler)                     ▲  (scheduler)    (DeviceWorker)    (virtual)
 *                     └─ a short text that ─────────────┘
 *                        its caller waits for
 * </pre>
 *
 * <p>Both queues are {@link BatchScheduler}s, so that lanes, fairness, deadlines and cancellation
 * hold before tokenising as well as after. A text holds permits of its lane until it goes to a
 * device or is settled: by an estimate until it is tokenised, exactly from then on.
 *
 * <p>Invariant: the future of every text that {@link #submit} returned is settled, whatever
 * happens. At every moment a text is in a queue, with a tokenizer thread or with its caller inside
 * {@code submit}, with a thread of a {@link DeviceWorker}, or in a delivery of {@link Results};
 * each of these either passes it on or settles it. A queue rejects texts once the engine is closing
 * or has no device left; whoever brings such a text fails it.
 *
 * <h2>Threads and locks</h2>
 *
 * <ul>
 *   <li>Callers run {@link #submit}, which queues, or tokenises a short text if the caller has no
 *       other in the engine, as one that waits for each.
 *   <li>The threads of {@link TokenizerStage}, of each {@link DeviceWorker} and of {@link Results}
 *       move texts on.
 *   <li>The {@link Watchdog} fails texts whose deadline has passed, finds devices that give no
 *       answer, and relieves result threads that a caller's code holds up. It sleeps while no text
 *       is in the engine, and ends with the engine and its last text.
 * </ul>
 *
 * The pipeline's monitor serialises {@code deviceLost}, {@code deviceRecovered} and the beginning
 * of {@code close}, which alone write {@code closed} and {@code allLost}; once {@code closed} is
 * set, no queue accepts texts again. Both fields are volatile, because every other method reads
 * them without the monitor, which {@code @GuardedBy} cannot express. {@code drained} is only waited
 * on. Locks are taken in one order: the pipeline's monitor, then that of a worker, a queue or the
 * permits, which never call back.
 */
final class Pipeline implements Request.Owner, DeviceContext.Events {
  /** The average number of characters in a token, at the least; for a first estimate only. */
  private static final int CHARS_PER_TOKEN = 4;

  /** How long the threads have to end once every text is settled or was taken from them. */
  private static final long THREADS_END_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long those have who were settling a text then: only a listener takes so long. */
  private static final long SETTLING_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final int maxTokens;
  private final EngineSettings settings;
  private final EngineMetrics metrics;
  private final LongSupplier clock;
  private final Admission admission;
  private final BatchScheduler raw;
  private final BatchScheduler ready;
  private final Results results;
  private final TokenizerStage tokenizers;
  private final AtomicLong unsettled = new AtomicLong();
  private final Callers callers = new Callers();

  /** Texts whose end is being decided or has been, and whose future may not show it yet. */
  private final Set<Request> settling = ConcurrentHashMap.newKeySet();

  private final Watchdog watchdog = new Watchdog(this::isWorking, this::check);

  /** Notified when the last text is settled after the engine was closed. */
  private final Object drained = new Object();

  /** Written once, by {@link #start}. */
  private List<DeviceWorker> devices = List.of();

  /** Why texts are refused, while no device works. */
  private volatile @Nullable DeviceLostException allLost;

  private volatile boolean closed;

  Pipeline(
      TokenizerStage.Tokenizer tokenizer,
      int maxTokens,
      boolean pads,
      EngineSettings settings,
      EngineMetrics metrics,
      @Nullable EmbeddingCache cache,
      @Nullable CacheKeys keys,
      LongSupplier clock) {
    int processors = Runtime.getRuntime().availableProcessors();
    this.results = new Results(cache, processors);
    this.metrics = metrics;
    this.maxTokens = maxTokens;
    this.settings = settings;
    this.clock = clock;
    this.admission = new Admission(settings, clock, () -> closed);
    this.raw = new BatchScheduler(false, 0, clock, () -> 0, false);
    this.ready =
        new BatchScheduler(pads, EngineSettings.nanos(settings.maxWait()), clock, this::upstream);
    this.tokenizers = new TokenizerStage(this, tokenizer, raw, ready, cache, keys, processors);
  }

  /** The number of texts that will come to the ready queue. */
  private long upstream() {
    return raw.size() + tokenizers.underWay();
  }

  /** Creates the worker of a device, for {@link #start}. */
  DeviceWorker worker(LoadedModel.OpenDevice device, ModelDescription description, int[] canary) {
    DeviceContext context =
        new DeviceContext(
            device.backend().info().device(),
            description,
            TokenBatch.of(List.of(canary)),
            ready,
            results,
            this,
            settings,
            clock,
            new TokenBudget(device.tokenBudget()),
            new BusyClock(clock),
            new RunCounters(),
            metrics);
    return new DeviceWorker(context, device.backend(), device.opener());
  }

  BatchScheduler ready() {
    return ready;
  }

  EngineMetrics metrics() {
    return metrics;
  }

  Results results() {
    return results;
  }

  /** Starts the threads. Called once, before anything else. */
  void start(List<DeviceWorker> workers) {
    devices = List.copyOf(workers);
    tokenizers.start(settings.tokenizerThreads());
    watchdog.start();
    devices.forEach(DeviceWorker::start);
  }

  /**
   * Submits a text.
   *
   * @param mayReject whether the engine's overload rule applies; if not, the call always blocks
   * @throws EngineClosedException if the engine is closed
   * @throws EngineOverloadedException if too much waits and the rule is {@link Overload#REJECT}
   * @throws EmbeddingInterruptedException if the thread was interrupted while it waited for room
   */
  Request submit(
      Input input, EmbedOptions options, Set<Output> outputs, Object job, boolean mayReject) {
    Request request = new Request(input, options, outputs, job, clock.getAsLong(), this);
    TokenizedText tokens = input.tokens();
    int estimate =
        tokens != null
            ? Math.max(1, tokens.length())
            : estimate(input.text(), request.truncation, outputs);
    // Where the heap is the bound, the end that will be cut off counts as well until then.
    int held =
        settings.boundsTexts()
            ? Math.max(estimate, estimate(input.text(), Integer.MAX_VALUE))
            : estimate;
    return submit(request, estimate, held, mayReject);
  }

  private Request submit(Request request, int estimate, int held, boolean mayReject) {
    if (closed) {
      throw closedException();
    }
    request.length = estimate;
    DeviceLostException lost = allLost;
    boolean admitted = lost == null && admission.admit(request, held, mayReject);
    metrics.submitted();
    if (unsettled.getAndIncrement() == 0) {
      watchdog.wake();
    }
    boolean onlyOne = callers.submits(request);
    if (!admitted) {
      results.fail(List.of(request), lost != null ? lost : deadlinePassed());
      return request;
    }
    request.reserve(held);
    if (onlyOne && tokenizers.tokenizeInline(request)) {
      return request;
    }
    enqueue(raw, List.of(request));
    return request;
  }

  /** An estimate of the tokens of a text that the model will compute. */
  int estimate(String text, Truncation truncation, Set<Output> outputs) {
    int limit =
        truncation == Truncation.CHUNK
            ? Math.max(maxTokens, TruncationPolicy.maxChunkedTokens(outputs))
            : maxTokens;
    return estimate(text, limit);
  }

  /** An estimate of a text's tokens, from 1 to a maximum, by its length alone. */
  static int estimate(String text, int limit) {
    return Math.clamp(text.length() / CHARS_PER_TOKEN, 1, limit);
  }

  /** Returns permits of a text that it does not need any more. */
  void release(Request request, int tokens) {
    admission.release(request.lane, tokens, 0);
  }

  /**
   * Runs an action that uses the tokenizer, which is closed with the engine.
   *
   * @throws EngineClosedException if the engine is closed
   */
  <T> T unlessClosed(Supplier<T> action) {
    if (closed) {
      throw closedException();
    }
    try {
      return action.get();
    } catch (IllegalStateException e) {
      throw closed ? closedException() : e; // closed during the action
    }
  }

  static EngineClosedException closedException() {
    return new EngineClosedException("The engine is closed; open another.");
  }

  static EngineClosedException closedWhileWaiting() {
    return new EngineClosedException("The engine was closed before this text was computed.");
  }

  static DeadlineExceededException deadlinePassed() {
    return new DeadlineExceededException(
        "The text's deadline passed before it reached the device. Give it more time"
            + " (EmbedOptions.timeout), or submit less at once.");
  }

  boolean isClosed() {
    return closed;
  }

  /** Adds texts to a queue, or fails them if it takes none. */
  void enqueue(BatchScheduler queue, List<Request> texts) {
    try {
      while (!queue.add(texts)) {
        DeviceLostException lost = allLost;
        if (lost != null || closed) {
          results.fail(texts, lost != null ? lost : closedWhileWaiting());
          return;
        }
        Thread.onSpinWait(); // a device has come back since, and the queue takes texts again
      }
    } catch (Throwable t) {
      results.fail(texts, t);
    }
  }

  /** The watchdog's check. */
  private void check() {
    List<Request> expired = new ArrayList<>(raw.removeExpired());
    expired.addAll(ready.removeExpired());
    results.fail(expired, deadlinePassed());
    devices.forEach(DeviceWorker::check);
    results.relieveStuck();
  }

  private boolean isWorking() {
    return unsettled.get() > 0 || results.isBehind();
  }

  // Settling

  @Override
  public void attempting(Request request) {
    settling.add(request);
  }

  @Override
  public void settling(Request request, Request.Ending ending, @Nullable Throwable failure) {
    metrics.settled(request.lane, clock.getAsLong() - request.submittedNanos, ending, failure);
    BatchScheduler holder = request.holder;
    if (holder != null) {
      holder.remove(request);
    }
    int held = request.endReservation();
    admission.release(request.lane, held, held == 0 ? 0 : 1);
    callers.settled(request);
    if (unsettled.decrementAndGet() == 0 && closed) {
      synchronized (drained) {
        drained.notifyAll();
      }
    }
  }

  @Override
  public void attempted(Request request) {
    settling.remove(request);
  }

  // Devices

  @Override
  public void budgetChanged() {
    tellHealth();
  }

  private void tellHealth() {
    if (metrics.hasListeners()) {
      EngineHealth health = health();
      results.execute(() -> metrics.tell(l -> l.onHealth(health)));
    }
  }

  @Override
  public void dispatched(List<Request> texts) {
    int reserved = 0;
    int holders = 0;
    long waited = 0;
    long now = clock.getAsLong();
    for (Request text : texts) {
      int held = text.endReservation();
      reserved += held;
      holders += held == 0 ? 0 : 1;
      waited += now - text.submittedNanos;
    }
    metrics.waited(waited);
    admission.release(texts.get(0).lane, reserved, holders);
  }

  @Override
  public void handBack(List<Request> texts) {
    enqueue(ready, texts);
  }

  @Override
  public synchronized void deviceLost(DeviceLostException reason) {
    tellHealth();
    if (hasDevice()) {
      return;
    }
    // Also while the engine closes: whoever closes it need not wait until the limit.
    allLost = reason;
    raw.rejectNew();
    ready.rejectNew();
    results.fail(raw.removeAll(), reason);
    results.fail(ready.removeAll(), reason);
  }

  @Override
  public synchronized void deviceRecovered() {
    tellHealth();
    // The device may have been lost again before this call.
    if (hasDevice() && !closed) {
      ready.acceptNew();
      raw.acceptNew();
      allLost = null;
    }
  }

  private boolean hasDevice() {
    return devices.stream().anyMatch(DeviceWorker::isUsable);
  }

  EngineStats stats() {
    return metrics.snapshot(
        waiting(Lane.INTERACTIVE),
        waiting(Lane.BULK),
        devices.stream().map(DeviceWorker::stats).toList());
  }

  private EngineStats.Waiting waiting(Lane lane) {
    BatchScheduler.Depth before = raw.depth(lane);
    BatchScheduler.Depth after = ready.depth(lane);
    return new EngineStats.Waiting(
        before.texts() + after.texts(), before.tokens() + after.tokens());
  }

  EngineHealth health() {
    return EngineHealth.of(closed, devices.stream().map(DeviceWorker::health).toList());
  }

  /** Counts of what is in progress and held, for tests: all zero once everything is settled. */
  List<Long> accounts() {
    return List.of(
        unsettled.get(),
        (long) settling.size(),
        callers.busySlots(),
        admission.held(Lane.INTERACTIVE),
        admission.held(Lane.BULK),
        raw.size(),
        ready.size(),
        (long) tokenizers.underWay());
  }

  /**
   * Rejects new texts, computes the waiting ones for up to a limit, fails the rest and ends the
   * threads. Blocks meanwhile; a second call returns at once.
   *
   * @return whether every thread has ended; if not, what the threads use must stay open
   */
  boolean close(Duration limit) {
    synchronized (this) {
      if (closed) {
        return false;
      }
      closed = true;
      raw.rejectNew();
    }
    admission.close();
    ready.flush();
    boolean interrupted = !drain(limit) || Thread.interrupted();
    ready.rejectNew();
    EngineClosedException reason = closedWhileWaiting();
    results.fail(raw.removeAll(), reason);
    results.fail(ready.removeAll(), reason);
    devices.forEach(DeviceWorker::close);
    raw.close();
    ready.close();
    if (unsettled.get() > 0) {
      devices.forEach(d -> d.abort(reason));
    }
    boolean gone = false;
    long end = System.nanoTime() + THREADS_END_NANOS;
    for (boolean waiting = true; waiting; ) {
      try {
        gone = awaitEnd(end);
        waiting = false;
      } catch (InterruptedException e) {
        interrupted = true; // and waits on, no longer than for those threads
      }
    }
    // A listener that is told of a text may be what closes the engine, or may not return.
    end = System.nanoTime() + SETTLING_NANOS;
    for (Request request : settling) {
      while (request.isSettled() && !request.isDone() && end - System.nanoTime() > 0) {
        Thread.onSpinWait();
      }
    }
    watchdog.end();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return gone;
  }

  /** Waits until every thread has ended and every text is settled. False if not in time. */
  private boolean awaitEnd(long end) throws InterruptedException {
    boolean gone = tokenizers.awaitEnd(end);
    for (DeviceWorker device : devices) {
      gone &= device.awaitEnd(Math.max(0, end - System.nanoTime()));
    }
    synchronized (drained) {
      while (unsettled.get() > 0 && end - System.nanoTime() > 0) {
        drained.wait(10);
      }
    }
    return gone;
  }

  /** Waits for up to a limit until every text is settled. False if interrupted. */
  private boolean drain(Duration limit) {
    long end = System.nanoTime() + EngineSettings.nanos(limit);
    synchronized (drained) {
      try {
        for (long left = end - System.nanoTime();
            unsettled.get() > 0 && left > 0;
            left = end - System.nanoTime()) {
          TimeUnit.NANOSECONDS.timedWait(drained, Math.max(left, 1_000_000));
        }
        return true;
      } catch (InterruptedException e) {
        return false;
      }
    }
  }
}
