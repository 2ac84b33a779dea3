package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFiles;
import io.luciole.model.WeightFormat;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the backends on the class path and chooses one. */
public final class Backends {
  private static final Logger log = LoggerFactory.getLogger(Backends.class);

  /** Ties between backends without a choice are settled in this order, then by name. */
  private static final List<String> PREFERENCE = List.of("onnx", "djl");

  private final List<BackendProvider> providers;
  private final List<String> broken;

  private Backends(List<BackendProvider> providers, List<String> broken) {
    this.providers = List.copyOf(providers);
    this.broken = List.copyOf(broken);
  }

  /**
   * Looks for providers with a class loader; one that cannot be loaded is named and passed over.
   *
   * @param loader the class loader
   * @return the backends found, none or more
   */
  public static Backends find(ClassLoader loader) {
    List<String> broken = new ArrayList<>();
    List<BackendProvider> found = Services.load(BackendProvider.class, loader, broken);
    found.sort(
        Comparator.<BackendProvider>comparingInt(p -> rank(p.name()))
            .thenComparing(BackendProvider::name));
    return new Backends(found, broken);
  }

  /**
   * Looks for providers with the thread's context class loader, or else this class's.
   *
   * @return the backends found, none or more
   */
  public static Backends find() {
    return find(Services.contextLoader());
  }

  /**
   * A provider alone, whatever is on the class path.
   *
   * @param provider the provider
   * @return it as the only one
   */
  public static Backends only(BackendProvider provider) {
    return new Backends(List.of(provider), List.of());
  }

  private static int rank(String name) {
    int at = PREFERENCE.indexOf(name);
    return at < 0 ? PREFERENCE.size() : at;
  }

  /**
   * The providers found.
   *
   * @return the providers, in the order in which they would be chosen
   */
  public List<BackendProvider> providers() {
    return providers;
  }

  /**
   * The formats of weights of all providers, beside those that every backend knows.
   *
   * @return the formats, in the order of the providers
   */
  public List<WeightFormat> weightFormats() {
    return providers.stream().flatMap(p -> p.weightFormats().stream()).toList();
  }

  /**
   * Those that may read a model: all, unless its only weights are in a format of some of them.
   *
   * @param model the model's files
   * @return the backends
   */
  public Backends reading(ModelFiles model) {
    if (!model.hasOnlyOwnWeights()) {
      return this;
    }
    return new Backends(
        providers.stream()
            .filter(p ->
                p.weightFormats().stream().anyMatch(format -> !format.in(model.folder()).isEmpty()))
            .toList(),
        broken);
  }

  /**
   * What is wrong with the providers that are on the class path and cannot be loaded.
   *
   * @return one message for each
   */
  public List<String> broken() {
    return broken;
  }

  /**
   * A provider and why it was chosen.
   *
   * @param provider the provider
   * @param reason for people, such as "the only one on the class path"
   */
  public record Choice(BackendProvider provider, String reason) {}

  /**
   * Chooses a provider as {@link #choose} does, and logs the choice with its reason.
   *
   * @param name the provider's name, if one is asked for
   * @param device the device that will be used, if one is asked for
   * @return the provider
   * @throws BackendException if there is none, or none of that name; the message says what to add
   *     or lists those found
   */
  public BackendProvider select(Optional<String> name, Optional<Device> device) {
    Choice choice = choose(name, device);
    log.info("Backend {}: {}", requireNonNull(choice.provider.name(), "name"), choice.reason);
    return choice.provider;
  }

  /**
   * Chooses a provider. By name if one is given; otherwise the only one there is; otherwise the
   * first that reports the device asked for, or an accelerator where none was asked for; otherwise
   * the first that reports any device, in a fixed order (onnx, djl, then by name). One that {@link
   * BackendProvider#mayHaveAccelerator cannot have an accelerator} is not asked for its devices if
   * one before it can be used.
   *
   * @param name the provider's name, if one is asked for
   * @param device the device that will be used, if one is asked for
   * @return the provider and why it was chosen
   * @throws BackendException if there is none, or none of that name; the message says what to add
   *     or lists those found
   */
  public Choice choose(Optional<String> name, Optional<Device> device) {
    String others =
        broken.isEmpty() ? "" : " Found but not loadable: " + String.join("; ", broken) + ".";
    if (providers.isEmpty()) {
      throw new BackendException(
          "No Luciole backend is on the class path. Add io.luciole:luciole-backend-onnx with"
              + " com.microsoft.onnxruntime:onnxruntime (onnxruntime_gpu for CUDA), or"
              + " io.luciole:luciole-backend-djl."
              + others);
    }
    if (name.isPresent()) {
      return providers.stream()
          .filter(p -> p.name().equals(name.get()))
          .findFirst()
          .map(p -> new Choice(p, "luciole.backend names it"))
          .orElseThrow(() ->
              new BackendException(
                  "There is no backend \""
                      + name.get()
                      + "\" on the class path; found: "
                      + names()
                      + ". Set luciole.backend to one of these, or add "
                      + artifact(name.get())
                      + " to the class path."
                      + others));
    }
    if (providers.size() == 1) {
      return new Choice(providers.get(0), "the only one on the class path");
    }
    Optional<BackendProvider> usable = Optional.empty();
    boolean acceleratorAsked = device.isEmpty() || device.get().isAccelerator();
    for (BackendProvider p : providers) {
      if (usable.isPresent() && acceleratorAsked && !mayHaveAccelerator(p)) {
        continue;
      }
      List<Device> devices = devices(p);
      if (device.filter(devices::contains).isPresent()) {
        return new Choice(p, "first of " + names() + " to offer " + device.get());
      }
      if (device.isEmpty() && devices.stream().anyMatch(Device::isAccelerator)) {
        return new Choice(p, "first of " + names() + " to offer an accelerator");
      }
      usable = usable.isEmpty() && !devices.isEmpty() ? Optional.of(p) : usable;
    }
    String wanted = device.map(Device::toString).orElse("an accelerator");
    return usable.isPresent()
        ? new Choice(usable.get(), "first of " + names() + " in fixed order, none with " + wanted)
        : new Choice(providers.get(0), "first of " + names() + ", none with a usable device");
  }

  /** A provider that fails where it should report is named and passed over. */
  private static List<Device> devices(BackendProvider provider) {
    try {
      return provider.probe().devices();
    } catch (RuntimeException | LinkageError e) {
      log.warn("The backend {} cannot be asked for its devices: {}", provider.name(), e, e);
      return List.of();
    }
  }

  private static boolean mayHaveAccelerator(BackendProvider provider) {
    try {
      return provider.mayHaveAccelerator();
    } catch (RuntimeException | LinkageError e) {
      log.warn("The backend {} cannot be asked for its devices: {}", provider.name(), e, e);
      return false;
    }
  }

  /** What brings a backend: only those of this project have names of artifacts that are known. */
  private static String artifact(String name) {
    return PREFERENCE.contains(name)
        ? "io.luciole:luciole-backend-" + name
        : "the artifact of the backend \"" + name + '"';
  }

  private String names() {
    return providers.stream().map(BackendProvider::name).collect(Collectors.joining(", "));
  }
}
