package io.luciole;

import io.luciole.model.ModelDescription;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * What the {@link DeviceWorker} of a device, its {@link DeviceSession}s and their {@link
 * BatchRunner}s share. Everything in it outlives a session.
 *
 * @param description what the model's files mean
 * @param canary the shortest batch there is; if the device fails it, the device is at fault
 * @param scheduler the queue that batches come from
 * @param results where outputs and failures of texts go
 * @param events told of what concerns the whole engine
 * @param clock the time in nanoseconds, as {@link System#nanoTime}
 * @param budget the largest number of tokens in a batch
 * @param busy measures the device's uptime
 * @param runs counts the device's runs
 * @param metrics tells listeners of them
 */
record DeviceContext(
    Device device,
    ModelDescription description,
    TokenBatch canary,
    BatchScheduler scheduler,
    Results results,
    Events events,
    EngineSettings settings,
    LongSupplier clock,
    TokenBudget budget,
    BusyClock busy,
    RunCounters runs,
    EngineMetrics metrics) {

  /** What a device tells the engine. Called from any of the device's threads, without locks. */
  interface Events {
    /** Texts left the queue for the device. */
    void dispatched(List<Request> texts);

    /** Texts, if any, were taken from the queue and not computed: they go back, or fail. */
    void handBack(List<Request> texts);

    /** The token budget of the device fell or rose. */
    void budgetChanged();

    /**
     * The device stopped working; called once for each loss, and again if it cannot be reopened for
     * another reason than was told.
     */
    void deviceLost(DeviceLostException reason);

    /** A lost device works again. */
    void deviceRecovered();
  }
}
