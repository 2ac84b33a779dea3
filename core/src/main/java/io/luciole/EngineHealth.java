package io.luciole;

import io.luciole.spi.Device;
import java.util.List;
import java.util.Optional;

/**
 * Tells whether an engine can work, and which of its devices do.
 *
 * @param state the state of the whole engine
 * @param devices one entry for each device, in the order of the configuration
 */
public record EngineHealth(State state, List<DeviceHealth> devices) {
  /** The state of an engine. */
  public enum State {
    /** Every device works. */
    HEALTHY,
    /** Some devices are lost; the others work. */
    DEGRADED,
    /** Every device is lost. Texts fail at once until a device works again. */
    UNHEALTHY,
    /** The engine was closed. */
    CLOSED
  }

  /**
   * The health of one device.
   *
   * @param device the device
   * @param usable whether it takes batches
   * @param problem why it does not, in words for people; empty if it does
   * @param tokenBudget the present largest number of tokens in a batch, padding included; it falls
   *     when the device runs out of memory
   */
  public record DeviceHealth(
      Device device, boolean usable, Optional<String> problem, int tokenBudget) {}

  /** The health of an engine with these devices. */
  static EngineHealth of(boolean closed, List<DeviceHealth> devices) {
    long usable = devices.stream().filter(DeviceHealth::usable).count();
    State state =
        closed
            ? State.CLOSED
            : usable == devices.size()
                ? State.HEALTHY
                : usable > 0 ? State.DEGRADED : State.UNHEALTHY;
    return new EngineHealth(state, devices);
  }

  /** Copies the list. */
  public EngineHealth {
    devices = List.copyOf(devices);
  }
}
