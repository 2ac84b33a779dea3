package io.luciole.onnx;

import ai.onnxruntime.OrtEnvironment;
import io.luciole.spi.BackendException;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A reference to ONNX Runtime's native environment of a backend's own. {@link OrtEnvironment} has
 * one that it gives up in a shutdown hook; the native environment is freed with the last reference.
 * Thus a backend can compute until it is closed, also while the JVM shuts down.
 *
 * <p>Java has no public method for this. The private ones of 1.28 are looked up; if a version has
 * others, or if its environment turns out not to be counted, a warning says so once and backends
 * work without a reference, as long as the JVM does not shut down.
 */
final class EnvironmentHold implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EnvironmentHold.class);
  private static final AtomicBoolean warned = new AtomicBoolean();

  /** Where ONNX Runtime keeps what it takes to count references. */
  private record Access(Method create, Method release, long api, long environment) {
    static Access of(Class<?> type, OrtEnvironment environment)
        throws ReflectiveOperationException {
      Method create = type.getDeclaredMethod("createHandle", long.class, int.class, String.class);
      Method release = type.getDeclaredMethod("close", long.class, long.class);
      Field api = Class.forName("ai.onnxruntime.OnnxRuntime").getDeclaredField("ortApiHandle");
      Field handle = type.getDeclaredField("nativeHandle");
      create.setAccessible(true);
      release.setAccessible(true);
      api.setAccessible(true);
      handle.setAccessible(true);
      return new Access(create, release, api.getLong(null), handle.getLong(environment));
    }

    /** Creates the environment, or counts one reference more if there is one. */
    long createHandle() throws ReflectiveOperationException {
      // Level and name count only for the first reference: 4 is FATAL.
      return (Long) create.invoke(null, api, 4, "luciole");
    }

    void release(long handle) throws ReflectiveOperationException {
      release.invoke(null, api, handle);
    }
  }

  /** Null if nothing is held. */
  private final @Nullable Access access;

  private final AtomicBoolean closed = new AtomicBoolean();

  private EnvironmentHold(@Nullable Access access) {
    this.access = access;
  }

  /**
   * Takes a reference.
   *
   * @throws BackendException if the environment is freed already, since the JVM shuts down
   */
  static EnvironmentHold of(OrtEnvironment environment) {
    return of(environment, OrtEnvironment.class);
  }

  /**
   * Takes a reference.
   *
   * @param type where the private methods are looked up
   */
  static EnvironmentHold of(OrtEnvironment environment, Class<?> type) {
    try {
      Access access = Access.of(type, environment);
      long handle = access.createHandle();
      if (handle == access.environment) {
        return new EnvironmentHold(access);
      }
      access.release(handle);
      if (isShuttingDown()) {
        throw new BackendException(
            "The JVM is shutting down and has freed ONNX Runtime's environment: nothing can be"
                + " opened any more.");
      }
      warn("another environment was created where a reference was expected");
    } catch (ReflectiveOperationException | LinkageError | InaccessibleObjectException e) {
      warn(e.toString());
    }
    return new EnvironmentHold(null);
  }

  private static void warn(String found) {
    if (!warned.getAndSet(true)) {
      log.warn(
          "ONNX Runtime's environment cannot be held ({}): when the JVM shuts down, texts that are"
              + " not computed yet fail, so close engines before. Luciole was tested with ONNX"
              + " Runtime 1.28.0. On the module path, add --add-opens"
              + " com.microsoft.onnxruntime/ai.onnxruntime=io.luciole.onnx.",
          found);
    }
  }

  private static boolean isShuttingDown() {
    Thread nothing = new Thread(() -> {});
    try {
      Runtime.getRuntime().addShutdownHook(nothing);
      Runtime.getRuntime().removeShutdownHook(nothing);
      return false;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  /** Whether a reference was taken. */
  boolean isHeld() {
    return access != null;
  }

  /** Gives the reference up; at the second time does nothing. */
  @Override
  public void close() {
    if (access != null && closed.compareAndSet(false, true)) {
      try {
        access.release(access.environment);
      } catch (ReflectiveOperationException e) {
        log.warn("ONNX Runtime's environment could not be given up: {}", e.toString(), e);
      }
    }
  }
}
