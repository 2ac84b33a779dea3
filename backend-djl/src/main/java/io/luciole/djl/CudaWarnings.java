package io.luciole.djl;

import ai.djl.util.cuda.CudaUtils;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * DJL's warning "Failed to detect GPU count", which it logs where CUDA's toolkit is installed and
 * no driver. On a machine without a GPU it tells an application nothing.
 *
 * <p>DJL has no public switch for it. Its private one is turned off meanwhile; if a version has
 * none, the warning is logged.
 */
final class CudaWarnings {
  private static final Logger log = LoggerFactory.getLogger(CudaWarnings.class);

  private CudaWarnings() {}

  /** Calls what would warn. */
  static <T> T silenced(Supplier<T> call) {
    setLogging(false);
    try {
      return call.get();
    } finally {
      setLogging(true);
    }
  }

  private static void setLogging(boolean on) {
    try {
      Field logging = CudaUtils.class.getDeclaredField("logging");
      logging.setAccessible(true);
      logging.setBoolean(null, on);
    } catch (ReflectiveOperationException | InaccessibleObjectException e) {
      log.debug("DJL's warnings about CUDA cannot be turned {}", on ? "on" : "off", e);
    }
  }
}
