package io.luciole.spi;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Loads services; one that cannot be loaded is logged and passed over. */
final class Services {
  private static final Logger log = LoggerFactory.getLogger(Services.class);

  private Services() {}

  /** The thread's context class loader, or else this class's. */
  static ClassLoader contextLoader() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context != null ? context : Services.class.getClassLoader();
  }

  /**
   * Loads all services of a type.
   *
   * @param broken gets one message for each that cannot be loaded
   */
  static <S> List<S> load(Class<S> type, ClassLoader loader, List<String> broken) {
    List<S> found = new ArrayList<>();
    Iterator<S> services = ServiceLoader.load(type, loader).iterator();
    while (true) {
      try {
        if (!services.hasNext()) {
          return found;
        }
        found.add(services.next());
      } catch (ServiceConfigurationError | LinkageError e) {
        broken.add(String.valueOf(e.getMessage()));
        log.warn("A {} cannot be loaded: {}", type.getSimpleName(), e.getMessage(), e);
      }
    }
  }
}
