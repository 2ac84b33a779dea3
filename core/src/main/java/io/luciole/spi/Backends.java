package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
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
   */
  public static Backends find(ClassLoader loader) {
    List<BackendProvider> found = new ArrayList<>();
    List<String> broken = new ArrayList<>();
    Iterator<BackendProvider> services =
        ServiceLoader.load(BackendProvider.class, loader).iterator();
    while (true) {
      try {
        if (!services.hasNext()) {
          break;
        }
        found.add(services.next());
      } catch (ServiceConfigurationError | LinkageError e) {
        broken.add(String.valueOf(e.getMessage()));
        log.warn("A backend on the class path cannot be loaded: {}", e.getMessage(), e);
      }
    }
    found.sort(
        Comparator.<BackendProvider>comparingInt(p -> rank(p.name()))
            .thenComparing(BackendProvider::name));
    return new Backends(found, broken);
  }

  /** Looks for providers with the thread's context class loader, or else this class's. */
  public static Backends find() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return find(context != null ? context : Backends.class.getClassLoader());
  }

  private static int rank(String name) {
    int at = PREFERENCE.indexOf(name);
    return at < 0 ? PREFERENCE.size() : at;
  }

  /** The providers found, in the order in which they would be chosen. */
  public List<BackendProvider> providers() {
    return providers;
  }

  /** One message for each provider that is on the class path and cannot be loaded. */
  public List<String> broken() {
    return broken;
  }

  /**
   * A provider and why it was chosen.
   *
   * @param reason for people, such as "the only one on the class path"
   */
  public record Choice(BackendProvider provider, String reason) {}

  /**
   * Chooses a provider as {@link #choose} does, and logs the choice with its reason.
   *
   * @param name the provider's name, or null for no choice
   * @param device the device that will be used, or null for no choice
   * @throws BackendException if there is none, or none of that name; the message says what to add
   *     or lists those found
   */
  public BackendProvider select(@Nullable String name, @Nullable Device device) {
    Choice choice = choose(name, device);
    log.info("Backend {}: {}", requireNonNull(choice.provider.name(), "name"), choice.reason);
    return choice.provider;
  }

  /**
   * Chooses a provider. By name if one is given; otherwise the only one there is; otherwise the
   * first that reports the device asked for, or an accelerator where none was asked for; otherwise
   * the first that reports any device, in a fixed order (onnx, djl, then by name).
   *
   * @param name the provider's name, or null for no choice
   * @param device the device that will be used, or null for no choice
   * @throws BackendException if there is none, or none of that name; the message says what to add
   *     or lists those found
   */
  public Choice choose(@Nullable String name, @Nullable Device device) {
    String others =
        broken.isEmpty() ? "" : " Found but not loadable: " + String.join("; ", broken) + ".";
    if (providers.isEmpty()) {
      throw new BackendException(
          "No Luciole backend is on the class path. Add io.luciole:luciole-backend-onnx with"
              + " com.microsoft.onnxruntime:onnxruntime (onnxruntime_gpu for CUDA), or"
              + " io.luciole:luciole-backend-djl."
              + others);
    }
    if (name != null) {
      return providers.stream()
          .filter(p -> p.name().equals(name))
          .findFirst()
          .map(p -> new Choice(p, "luciole.backend names it"))
          .orElseThrow(() ->
              new BackendException(
                  "There is no backend \""
                      + name
                      + "\" on the class path; found: "
                      + names()
                      + ". Set luciole.backend to one of these, or add the artifact"
                      + " io.luciole:luciole-backend-"
                      + name
                      + "."
                      + others));
    }
    if (providers.size() == 1) {
      return new Choice(providers.get(0), "the only one on the class path");
    }
    BackendProvider usable = null;
    for (BackendProvider p : providers) {
      List<Device> devices = devices(p);
      if (device != null && devices.contains(device)) {
        return new Choice(p, "first of " + names() + " to offer " + device);
      }
      if (device == null && devices.stream().anyMatch(Device::isAccelerator)) {
        return new Choice(p, "first of " + names() + " to offer an accelerator");
      }
      usable = usable == null && !devices.isEmpty() ? p : usable;
    }
    String wanted = device == null ? "an accelerator" : device.toString();
    return usable != null
        ? new Choice(usable, "first of " + names() + " in fixed order, none with " + wanted)
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

  private String names() {
    return providers.stream().map(BackendProvider::name).collect(Collectors.joining(", "));
  }
}
