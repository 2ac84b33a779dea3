package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a backend is to open a model.
 *
 * @param device where to run
 * @param precision the arithmetic, or null for the device's usual one (fp32 on CPU, fp16 on CUDA)
 * @param threads threads the backend may use on the CPU, or 0 for its own choice
 * @param outputs the outputs that will be asked for, or empty for all that the model has: a backend
 *     may build less for fewer
 */
public record BackendConfig(
    Device device, @Nullable Precision precision, int threads, Set<Output> outputs) {
  /** Checks and copies the components. */
  public BackendConfig {
    requireNonNull(device, "device");
    outputs = Set.copyOf(outputs);
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be 0 or more, got " + threads);
    }
  }

  /** The precision, if one was chosen. */
  public Optional<Precision> chosenPrecision() {
    return Optional.ofNullable(precision);
  }

  /** The defaults on one device. */
  public static BackendConfig on(Device device) {
    return new BackendConfig(device, null, 0, Set.of());
  }
}
