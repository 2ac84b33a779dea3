package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.TokenizedText;
import io.luciole.spi.BackendInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of a text through the engine:
 *
 * <pre>
 * submit ─▶ gate ─▶ raw queue ─▶ tokenizer threads ─▶ ready queue ─▶ device threads ─▶ results
 *          (bound)│ (scheduler)                     ▲  (scheduler)    (DeviceWorker)    (virtual)
 *                 └─ a short text alone: its caller ┘
 * </pre>
 *
 * <p>Both queues are {@link BatchScheduler}s, so that lanes, fairness, deadlines and cancellation
 * hold before tokenising as well as after. A text holds room in its lane's gate, by an estimate
 * until it is tokenised and exactly from then on, until it leaves for a device or is settled.
 *
 * <p>Invariant: the future of every text that {@link #submit} returned is settled, whatever
 * happens. A text is at every moment in one of: a queue, the hands of a tokenizer thread or of its
 * caller within {@code submit}, a {@link DeviceWorker} thread's keeping, a delivery; and each of
 * these either passes it on or settles it. A queue that is barred, because the engine is closing or
 * has no device left, refuses texts, and whoever brings them fails them.
 *
 * <p>A watchdog thread looks after deadlines, devices that give no answer and dependents that do
 * not return; it sleeps while no text is on its way, and ends with the engine and its last text.
 */
final class Pipeline implements Request.Owner, DeviceWorker.Context {
  private static final Logger log = LoggerFactory.getLogger(Pipeline.class);

  private static final long WATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(25);

  /** Characters that a token has at least, on the whole; only for a first estimate. */
  private static final int CHARS_PER_TOKEN = 4;

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

  /** Texts between the decision how they end and the moment it can be seen, or shortly after. */
  private final Set<Request> settling = ConcurrentHashMap.newKeySet();

  private final Object closeLock = new Object();
  private List<DeviceWorker> devices = List.of();
  private @Nullable Thread watchdog;

  /** Whether the watchdog sleeps, or is about to, until it is woken. */
  private volatile boolean watchdogSleeps;

  private volatile @Nullable DeviceLostException noDevice;
  private volatile boolean closed;
  private volatile boolean ended;

  Pipeline(
      TokenizerStage.Tokenizer tokenizer,
      int maxTokens,
      boolean pads,
      EngineSettings settings,
      EngineMetrics metrics,
      @Nullable EmbeddingCache cache,
      EmbeddingCache.@Nullable Keys keys,
      LongSupplier clock) {
    this.results = new Results(cache);
    this.metrics = metrics;
    this.maxTokens = maxTokens;
    this.settings = settings;
    this.clock = clock;
    this.admission = new Admission(settings, clock, () -> closed);
    this.raw = new BatchScheduler(false, 0, clock, () -> 0);
    this.ready =
        new BatchScheduler(pads, EngineSettings.nanos(settings.maxWait()), clock, this::upstream);
    this.tokenizers = new TokenizerStage(this, tokenizer, raw, ready, cache, keys);
  }

  /** How many texts will come to the ready queue. */
  private long upstream() {
    return raw.size() + tokenizers.underWay();
  }

  /** A pipeline over a model that was opened, at work. */
  static Pipeline of(
      OpenedModel opened,
      EngineSettings settings,
      List<EngineListener> listeners,
      @Nullable EmbeddingCache cache) {
    ModelFiles files = opened.files();
    BackendInfo info = opened.info();
    Pipeline pipeline =
        new Pipeline(
            LongTexts.tokenizer(opened.tokenizer(), files.description()),
            files.description().maxTokens(),
            info.pads(),
            settings,
            new EngineMetrics(listeners),
            cache,
            cache == null
                ? null
                : new EmbeddingCache.Keys(
                    files.fingerprint(info.dimension()), files.description(), info),
            System::nanoTime);
    int[] canary = opened.tokenizer().tokenize("a", Role.PASSAGE).ids();
    pipeline.start(
        opened.devices().stream()
            .map(d -> pipeline.worker(d, files.description(), canary))
            .toList());
    return pipeline;
  }

  /** A device's worker, to {@link #start} with. */
  DeviceWorker worker(OpenedModel.OpenDevice device, ModelDescription description, int[] canary) {
    return new DeviceWorker(
        device, description, ready, results, this, settings, metrics, canary, clock);
  }

  EngineSettings settings() {
    return settings;
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
    watchdog = Thread.ofPlatform().name("luciole-watchdog").daemon().start(this::watch);
    devices.forEach(DeviceWorker::start);
  }

  /**
   * Takes a text.
   *
   * @param mayReject whether the engine's overload rule applies; without, it blocks
   * @throws EngineClosedException if the engine is closed
   * @throws EngineOverloadedException if too much waits, as the overload rule has it
   */
  Request submit(
      String text, EmbedOptions options, Set<Output> outputs, Object job, boolean mayReject) {
    Request request = new Request(text, options, outputs, job, clock.getAsLong(), this);
    return submit(request, estimate(text, request.truncation, outputs), mayReject);
  }

  /** As for a text: takes what is tokenised already. */
  Request submit(TokenizedText tokens, EmbedOptions options, Set<Output> outputs, Object job) {
    return submit(
        new Request("", tokens, options, outputs, job, clock.getAsLong(), this),
        tokens.length(),
        true);
  }

  private Request submit(Request request, int estimate, boolean mayReject) {
    if (closed) {
      throw closedException();
    }
    request.length = estimate;
    DeviceLostException lost = noDevice;
    boolean admitted = lost == null && admission.admit(request, estimate, mayReject);
    metrics.submitted();
    boolean alone = unsettled.getAndIncrement() == 0;
    if (alone && watchdogSleeps) {
      LockSupport.unpark(watchdog);
    }
    if (!admitted) {
      results.fail(List.of(request), lost != null ? lost : deadlinePassed());
      return request;
    }
    request.reserve(estimate);
    if (alone && tokenizers.tokenizeHere(request)) {
      return request;
    }
    if (!raw.add(request)) {
      results.fail(List.of(request), whyBarred());
    }
    return request;
  }

  /** Roughly how many tokens of a text are computed. */
  int estimate(String text, Truncation truncation, Set<Output> outputs) {
    int most =
        truncation == Truncation.CHUNK
            ? Math.max(maxTokens, LongTexts.mostTokens(outputs))
            : maxTokens;
    return estimate(text, most);
  }

  /** Roughly how many tokens a text has, from 1 to a maximum, told from its length alone. */
  static int estimate(String text, int most) {
    return Math.clamp(text.length() / CHARS_PER_TOKEN, 1, most);
  }

  /** What a text holds less than before, given back to its lane. */
  void release(Request request, int tokens) {
    admission.release(request.lane, tokens);
  }

  /**
   * Does what needs the tokenizer, which goes with the engine.
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
      throw closed ? closedException() : e; // closed in this moment
    }
  }

  static EngineClosedException closedException() {
    return new EngineClosedException("The engine is closed; open another.");
  }

  static TimeoutException deadlinePassed() {
    return new TimeoutException("The text's deadline passed before it reached the device.");
  }

  boolean isClosed() {
    return closed;
  }

  /** Why the queues refuse texts. */
  LucioleException whyBarred() {
    DeviceLostException lost = noDevice;
    return closed || lost == null
        ? new EngineClosedException("The engine was closed before this text was computed.")
        : lost;
  }

  private void watch() {
    while (!ended || isAnythingUnderWay()) {
      if (!ended && !isAnythingUnderWay()) {
        // A text is counted before the flag is read, and the flag set before texts are counted.
        watchdogSleeps = true;
        if (!ended && !isAnythingUnderWay()) {
          LockSupport.park(this);
        }
        watchdogSleeps = false;
      } else {
        LockSupport.parkNanos(this, WATCH_NANOS);
      }
      try {
        List<Request> expired = new ArrayList<>(raw.removeExpired());
        expired.addAll(ready.removeExpired());
        if (!expired.isEmpty()) {
          results.fail(expired, deadlinePassed());
        }
        devices.forEach(DeviceWorker::checkOverdue);
        results.relieveStuck();
      } catch (Throwable t) {
        log.error("The watchdog failed and goes on: {}", t.toString(), t);
      }
    }
  }

  private boolean isAnythingUnderWay() {
    return unsettled.get() > 0 || results.isBehind();
  }

  // Settling

  @Override
  public void attempting(Request request) {
    settling.add(request);
  }

  @Override
  public void settling(Request request, Request.Ending ending, @Nullable Throwable failure) {
    metrics.settled(ending, failure);
    BatchScheduler holder = request.holder;
    if (holder != null) {
      holder.remove(request);
    }
    admission.release(request.lane, request.endReservation());
    if (unsettled.decrementAndGet() == 0 && closed) {
      synchronized (closeLock) {
        closeLock.notifyAll();
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
  public void left(List<Request> texts) {
    int reserved = 0;
    long waited = 0;
    long now = clock.getAsLong();
    for (Request text : texts) {
      reserved += text.endReservation();
      waited += now - text.submittedNanos;
    }
    metrics.waited(waited);
    admission.release(texts.get(0).lane, reserved);
  }

  @Override
  public boolean hasOther(DeviceWorker worker) {
    return devices.stream().anyMatch(d -> d != worker && d.isUsable());
  }

  @Override
  public void handBack(List<Request> texts, LucioleException reason) {
    if (!texts.isEmpty() && !ready.add(texts)) {
      results.fail(texts, reason);
    }
  }

  @Override
  public synchronized void lost(DeviceWorker worker, DeviceLostException reason) {
    tellHealth();
    if (hasOther(worker) || closed) {
      return;
    }
    noDevice = reason;
    raw.bar(true);
    ready.bar(true);
    results.fail(raw.removeAll(), reason);
    results.fail(ready.removeAll(), reason);
  }

  @Override
  public synchronized void back(DeviceWorker worker) {
    tellHealth();
    // Not if it was lost again meanwhile.
    if (!closed && worker.isUsable()) {
      ready.bar(false);
      raw.bar(false);
      noDevice = null;
    }
  }

  EngineStats stats() {
    long busy = 0;
    long available = 0;
    for (DeviceWorker device : devices) {
      busy += device.busy().busyNanos();
      available += device.busy().availableNanos();
    }
    return metrics.snapshot(waiting(Lane.INTERACTIVE), waiting(Lane.BULK), busy, available);
  }

  private EngineStats.Waiting waiting(Lane lane) {
    BatchScheduler.Depth before = raw.depth(lane);
    BatchScheduler.Depth after = ready.depth(lane);
    return new EngineStats.Waiting(
        before.texts() + after.texts(), before.tokens() + after.tokens());
  }

  EngineHealth health() {
    List<EngineHealth.DeviceHealth> each = devices.stream().map(DeviceWorker::health).toList();
    long usable = each.stream().filter(EngineHealth.DeviceHealth::usable).count();
    EngineHealth.State state =
        closed
            ? EngineHealth.State.CLOSED
            : usable == each.size()
                ? EngineHealth.State.HEALTHY
                : usable > 0 ? EngineHealth.State.DEGRADED : EngineHealth.State.UNHEALTHY;
    return new EngineHealth(state, each);
  }

  /** What is on its way and held, for tests: nothing but zeros once everything is settled. */
  List<Long> accounts() {
    return List.of(
        unsettled.get(),
        (long) settling.size(),
        admission.held(Lane.INTERACTIVE),
        admission.held(Lane.BULK),
        raw.size(),
        ready.size(),
        (long) tokenizers.underWay());
  }

  /**
   * Refuses texts, computes those that wait for up to a limit, fails the rest and lets the threads
   * go. Blocks until then; a second call returns at once.
   *
   * @return whether every thread has ended; if not, what they use must stay
   */
  boolean close(Duration limit) {
    synchronized (this) {
      if (closed) {
        return false;
      }
      closed = true;
      raw.bar(true);
    }
    admission.close();
    ready.hurry();
    boolean interrupted = !drain(limit);
    ready.bar(true);
    EngineClosedException reason =
        new EngineClosedException("The engine was closed before this text was computed.");
    results.fail(raw.removeAll(), reason);
    results.fail(ready.removeAll(), reason);
    devices.forEach(DeviceWorker::close);
    raw.close();
    ready.close();
    boolean gone = false;
    try {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
      if (unsettled.get() > 0) {
        devices.forEach(d -> d.abort(reason));
      }
      gone = tokenizers.awaitEnd(end);
      for (DeviceWorker device : devices) {
        gone &= device.awaitEnd(Math.max(0, end - System.nanoTime()));
      }
      synchronized (closeLock) {
        while (unsettled.get() > 0 && end - System.nanoTime() > 0) {
          closeLock.wait(10);
        }
      }
    } catch (InterruptedException e) {
      interrupted = true;
      gone = false;
    }
    for (Request request : settling) {
      while (request.isSettled() && !request.isDone()) {
        Thread.onSpinWait();
      }
    }
    ended = true;
    LockSupport.unpark(requireNonNull(watchdog));
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return gone;
  }

  /** Waits until every text is settled, for up to a limit. False if interrupted. */
  private boolean drain(Duration limit) {
    long end = System.nanoTime() + EngineSettings.nanos(limit);
    synchronized (closeLock) {
      try {
        for (long left = end - System.nanoTime();
            unsettled.get() > 0 && left > 0;
            left = end - System.nanoTime()) {
          TimeUnit.NANOSECONDS.timedWait(closeLock, Math.max(left, 1_000_000));
        }
        return true;
      } catch (InterruptedException e) {
        return false;
      }
    }
  }
}
