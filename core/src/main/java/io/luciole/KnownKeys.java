package io.luciole;

import io.luciole.internal.Spelling;
import io.luciole.spi.KeyProvider;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/** The settings there are, and which names are nobody's slip. */
final class KnownKeys {
  /** Modules that may be missing here while a shared file or environment has their settings. */
  private static final Map<String, String> OPTIONAL_MODULES =
      Map.of(
          "luciole.onnx.", "luciole-backend-onnx",
          "luciole.cuda.", "luciole-backend-onnx",
          "luciole.index.", "luciole-lucene",
          "luciole.server.", "luciole-server-lite");

  /** What the tests of this project read. */
  private static final Set<String> TESTS =
      Set.of("luciole.test.", "luciole.testkit.", "luciole.fuzz.");

  /** What Kubernetes sets in every container for a service whose name begins with "luciole". */
  private static final Pattern KUBERNETES =
      Pattern.compile(
          "LUCIOLE_(?:\\w+_)?(?:SERVICE_HOST=.*|SERVICE_PORT(?:_\\w+)?=.*"
              + "|PORT=(?:tcp|udp|sctp)://.*"
              + "|PORT_\\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?=.*)",
          Pattern.DOTALL);

  /** How far a slip may be from what was meant, in characters. */
  private static final int SLIP = 2;

  private final List<Key<?>> keys = new ArrayList<>();

  private KnownKeys(Collection<? extends Key<?>> keys) {
    this.keys.addAll(keys);
  }

  /** The keys of a backend, without any others. */
  static KnownKeys of(Collection<? extends Key<?>> keys) {
    return new KnownKeys(keys);
  }

  /** The keys of everything on the class path and some more. */
  static KnownKeys onClassPath(Collection<? extends Key<?>> more) {
    KnownKeys known = new KnownKeys(EngineKeys.ALL);
    known.keys.addAll(KeyProvider.installed());
    known.keys.addAll(more);
    known.keys.addAll(ProcessKeys.ALL);
    return known;
  }

  List<Key<?>> keys() {
    return List.copyOf(keys);
  }

  Optional<Key<?>> find(Function<Key<?>, String> spelling, String name) {
    for (Key<?> key : keys) {
      if (spelling.apply(key).equals(name)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }

  /**
   * The artifact that an unknown name's module is in, if that module is missing on the class path.
   *
   * @param spelling how the name is spelled, as a property or as a variable
   */
  Optional<String> missingModule(Function<String, String> spelling, String name) {
    return OPTIONAL_MODULES.entrySet().stream()
        .filter(module -> name.startsWith(spelling.apply(module.getKey())))
        .filter(module -> keys.stream().noneMatch(key -> key.name().startsWith(module.getKey())))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /** Whether a name is for this project's tests. */
  static boolean isForTests(Function<String, String> spelling, String name) {
    return TESTS.stream().map(spelling).anyMatch(name::startsWith);
  }

  /** Whether Kubernetes sets a variable, rather than someone who means a setting. */
  static boolean isKubernetes(String variable, String value) {
    return KUBERNETES.matcher(variable + '=' + value).matches();
  }

  /** The problem that a name is unknown, with the known one that is closest. */
  String unknown(Function<Key<?>, String> spelling, String name, String origin) {
    String closest =
        Spelling.closest(name, keys.stream().map(spelling).toList())
            .map(known ->
                Spelling.distance(known, name) <= SLIP
                    ? "; did you mean " + known + "?"
                    : "; the closest known one is " + known + "." + ofBackends())
            .orElse(".");
    return "Unknown setting "
        + name
        + " ("
        + origin
        + ")"
        + closest
        + " docs/settings.md and luciole doctor show all.";
  }

  /** Why a backend's setting may be unknown; nothing among the keys of a backend that is here. */
  private String ofBackends() {
    return keys.contains(EngineKeys.BACKEND)
        ? " A backend's settings are known only where it is on the class path."
        : "";
  }
}
