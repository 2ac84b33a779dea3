package io.luciole.spi;

import io.luciole.model.ModelFiles;
import java.util.List;

/**
 * Opens backends of one kind. Found by {@link java.util.ServiceLoader}: an artifact names its
 * provider in {@code META-INF/services/io.luciole.spi.BackendProvider}.
 *
 * <p>Providers are made with their no-argument constructor, which must not load native libraries,
 * so that a class path with several backends costs nothing but the one in use.
 */
public interface BackendProvider {
  /** The name configuration chooses it by: short, lower case, unique, such as {@code onnx}. */
  String name();

  /**
   * Looks for devices. May load native libraries; reports what is wrong instead of throwing.
   *
   * @return the usable devices, best first, and the reasons for those that are not usable
   */
  Probe probe();

  /**
   * Opens a model.
   *
   * @throws BackendException if the device or the library cannot be used; the message says what is
   *     missing and how to get it. A device that was asked for is never silently replaced.
   * @throws io.luciole.model.ModelException if the model's files do not fit: "expected … found …"
   */
  Backend open(ModelFiles model, BackendConfig config);

  /**
   * What {@link #probe} found.
   *
   * @param version the runtime and its version, such as {@code ONNX Runtime 1.28.0}
   * @param devices usable devices, best first; empty if the runtime itself cannot be loaded
   * @param problems one sentence for each thing that is missing, with the remedy
   */
  record Probe(String version, List<Device> devices, List<String> problems) {
    /** Copies the lists. */
    public Probe {
      devices = List.copyOf(devices);
      problems = List.copyOf(problems);
    }
  }
}
