package io.luciole;

import io.luciole.spi.Device;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether an engine can work, and which of its devices do.
 *
 * @param state the whole in a word
 * @param devices one entry a device, in the order in which they were configured
 */
public record EngineHealth(State state, List<DeviceHealth> devices) {
  /** The whole in a word. */
  public enum State {
    /** Every device works. */
    HEALTHY,
    /** Some devices are lost; the others carry on. */
    DEGRADED,
    /** Every device is lost: texts fail at once until one is back. */
    UNHEALTHY,
    /** The engine was closed. */
    CLOSED
  }

  /**
   * One device.
   *
   * @param device which
   * @param usable whether it takes batches
   * @param problem why not, for people; null if it does
   * @param tokenBudget most tokens of a batch at present, lowered where memory ran out
   */
  public record DeviceHealth(
      Device device, boolean usable, @Nullable String problem, int tokenBudget) {}

  /** Copies the list. */
  public EngineHealth {
    devices = List.copyOf(devices);
  }
}
