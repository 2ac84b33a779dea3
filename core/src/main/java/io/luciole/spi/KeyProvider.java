package io.luciole.spi;

import io.luciole.Key;
import java.util.ArrayList;
import java.util.List;

/**
 * Declares the settings of a module other than a backend, so that {@link io.luciole.LucioleConfig}
 * knows and checks them. Found by {@link java.util.ServiceLoader}, as {@link BackendProvider} is,
 * which has {@link BackendProvider#options} for the same purpose.
 */
public interface KeyProvider {
  /**
   * The module's settings. Their names begin with {@code luciole.}, the module's name and a dot.
   *
   * @return the keys, in the order in which they are shown
   */
  List<Key<?>> keys();

  /**
   * The settings of all modules and backends on the class path, as the thread's context class
   * loader sees it. Loads no native library.
   *
   * @return the keys, those of backends first
   */
  static List<Key<?>> installed() {
    List<Key<?>> keys = new ArrayList<>();
    Backends.find().providers().forEach(provider -> keys.addAll(provider.options()));
    Services.load(KeyProvider.class, Services.contextLoader(), new ArrayList<>())
        .forEach(provider -> keys.addAll(provider.keys()));
    return List.copyOf(keys);
  }
}
