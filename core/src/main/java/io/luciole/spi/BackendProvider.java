package io.luciole.spi;

import io.luciole.Key;
import io.luciole.model.ModelFiles;
import io.luciole.model.WeightFormat;
import java.util.List;
import java.util.Optional;

/**
 * Opens backends of one kind. Found by {@link java.util.ServiceLoader}: an artifact names its
 * provider in {@code META-INF/services/io.luciole.spi.BackendProvider}.
 *
 * <p>Providers are made with their no-argument constructor, which must not load native libraries,
 * so that a class path with several backends costs nothing but the one in use.
 */
public interface BackendProvider {
  /**
   * The name that {@code luciole.backend} chooses it by.
   *
   * @return the name: short, lower case, unique, such as {@code onnx}
   */
  String name();

  /**
   * The backend's own settings. {@link io.luciole.LucioleConfig} then knows them and checks their
   * values wherever they come from; those in effect are in {@link BackendConfig#options}, so that
   * two engines in one process may differ. A backend reads no system properties or environment
   * variables of its own.
   *
   * <p>Called when a configuration is read, also where another backend is chosen: it must not load
   * native libraries.
   *
   * @return the keys, in the order in which they are shown. Their names begin with {@code
   *     luciole.}, the backend's name and a dot, or with another part that no other module uses.
   */
  default List<Key<?>> options() {
    return List.of();
  }

  /**
   * The settings of {@link #options} on which vectors depend by more than rounding. A cache of
   * embeddings keeps apart what was computed with different values of these.
   *
   * @return some of the options; all of them unless a provider says otherwise
   */
  default List<Key<?>> optionsOfVectors() {
    return options();
  }

  /**
   * Whether {@link #probe} could report an accelerator, as far as that can be told at no cost, such
   * as from what is on the class path. Where several backends are there and none is chosen, one
   * that answers false is probed only if none before it can be used. Must not load native
   * libraries.
   *
   * @return false if it certainly has no accelerator; true if it has one, or if that is not known
   */
  default boolean mayHaveAccelerator() {
    return true;
  }

  /**
   * The formats of weights that this backend reads and that {@link ModelFiles} does not name
   * otherwise. A model's folder that has weights in such a format only is opened with this backend,
   * unless another is chosen by name; {@link ModelFiles#ownWeights} has the files.
   *
   * <p>Called whenever a model is looked for, also where another backend is chosen: it must not
   * load native libraries.
   *
   * @return the formats; none by default
   */
  default List<WeightFormat> weightFormats() {
    return List.of();
  }

  /**
   * The precision that {@code luciole.precision=fast} takes: the fastest for this device, processor
   * and model whose vectors keep a mean cosine of 0.998 or more to fp32's on trained models. Must
   * not load native libraries.
   *
   * @param model the model's files
   * @param device where it is to run
   * @return the precision; empty, the default, if the usual one is the fastest
   */
  default Optional<Precision> fastest(ModelFiles model, Device device) {
    return Optional.empty();
  }

  /**
   * Looks for devices. May load native libraries; reports what is wrong instead of throwing.
   *
   * @return the usable devices, best first, and the reasons for those that are not usable
   */
  Probe probe();

  /**
   * Opens a model. Called by one thread at a time for an engine, and by several for several.
   *
   * @param model the model's files
   * @param config device, precision, threads, outputs and the values of {@link #options}
   * @return the backend, which the caller closes
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
    /** Checks and copies the components. */
    public Probe {
      devices = List.copyOf(devices);
      problems = List.copyOf(problems);
    }
  }
}
