package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.ConfigException;
import io.luciole.Key;
import io.luciole.Output;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How a backend is to open a model. Immutable.
 *
 * @param device where to run
 * @param precision the arithmetic; empty for the device's usual one (fp32 on CPU, fp16 on CUDA)
 * @param threads threads the backend may use on the CPU, or 0 for its own choice
 * @param outputs the outputs that will be asked for, or empty for all that the model has: a backend
 *     may build less for fewer
 * @param options values of the backend's own settings ({@link BackendProvider#options}) as written,
 *     by the settings' names; {@link #option(Key)} reads them
 */
public record BackendConfig(
    Device device,
    Optional<Precision> precision,
    int threads,
    Set<Output> outputs,
    Map<String, String> options) {
  /**
   * Checks and copies the components.
   *
   * @throws IllegalArgumentException if the number of threads is negative
   */
  public BackendConfig {
    requireNonNull(device, "device");
    requireNonNull(precision, "precision");
    outputs = Set.copyOf(outputs);
    options = Map.copyOf(options);
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be 0 or more, got " + threads);
    }
  }

  /**
   * The defaults on one device.
   *
   * @param device where to run
   * @return the configuration
   */
  public static BackendConfig on(Device device) {
    return new BackendConfig(device, Optional.empty(), 0, Set.of(), Map.of());
  }

  /**
   * A copy with a chosen arithmetic.
   *
   * @param chosen the arithmetic
   * @return the copy
   */
  public BackendConfig precision(Precision chosen) {
    return new BackendConfig(device, Optional.of(chosen), threads, outputs, options);
  }

  /**
   * A copy with a number of threads.
   *
   * @param number threads the backend may use on the CPU, or 0 for its own choice
   * @return the copy
   * @throws IllegalArgumentException if the number is negative
   */
  public BackendConfig threads(int number) {
    return new BackendConfig(device, precision, number, outputs, options);
  }

  /**
   * A copy for certain outputs.
   *
   * @param wanted the outputs that will be asked for, or empty for all that the model has
   * @return the copy
   */
  public BackendConfig outputs(Set<Output> wanted) {
    return new BackendConfig(device, precision, threads, wanted, options);
  }

  /**
   * A copy with a value for one of the backend's own settings.
   *
   * @param key the setting, one of {@link BackendProvider#options}
   * @param value the value as it would be written in a properties file
   * @return the copy
   */
  public BackendConfig option(Key<?> key, String value) {
    Map<String, String> more = new HashMap<>(options);
    more.put(key.name(), value);
    return new BackendConfig(device, precision, threads, outputs, more);
  }

  /**
   * The value of one of the backend's own settings.
   *
   * @param <T> the type of the value
   * @param key the setting, one of {@link BackendProvider#options}
   * @return the value that was set, or else the key's default
   * @throws ConfigException if the value is invalid; an engine has checked that before
   */
  public <T> T option(Key<T> key) {
    String value = options.get(key.name());
    try {
      return value == null ? key.defaultValue() : key.parse(value);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(key.name() + ": " + e.getMessage(), e);
    }
  }
}
