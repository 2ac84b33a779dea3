package io.luciole.onnx;

import ai.onnxruntime.OrtEnvironment;
import io.luciole.internal.NativeFiles;
import io.luciole.internal.NativePlatform;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Where ONNX Runtime finds its native libraries. By itself it copies them to a new temporary folder
 * in every process, and leaves the folder behind. Here they are copied once to the cache folder,
 * and ONNX Runtime is told so by its own setting, which is put back after it has read it.
 *
 * <p>An application that has set one of ONNX Runtime's settings about its libraries, or has used
 * ONNX Runtime before, is left its own way.
 */
final class OrtNatives {
  private static final String SETTINGS = "onnxruntime.native.";
  private static final String FOLDER = SETTINGS + "path";

  /** All that a build of ONNX Runtime for Java may have, each after what it needs. */
  private static final List<String> LIBRARIES =
      List.of(
          "onnxruntime",
          "onnxruntime4j_jni",
          "onnxruntime_providers_shared",
          "onnxruntime_providers_cuda",
          "onnxruntime_providers_rocm",
          "onnxruntime_providers_dnnl",
          "onnxruntime_providers_openvino",
          "onnxruntime_providers_tensorrt",
          "onnxruntime_providers_qnn",
          "webgpu_dawn",
          "dxil",
          "dxcompiler");

  private OrtNatives() {}

  /**
   * Starts ONNX Runtime with the libraries of the cache folder.
   *
   * @param start calls ONNX Runtime for the first time
   * @throws IOException if no folder will do for the libraries, or for what ONNX Runtime writes;
   *     the message says why
   */
  static <T> T start(Supplier<T> start) throws IOException {
    // The setting is the JVM's, and so is the lock: a literal is one object for all class loaders.
    synchronized (FOLDER) {
      if (isStarted()) {
        return start.get();
      }
      requireTemporaryFolder();
      Map<String, URL> files = onClassPath();
      if (files.isEmpty() || isSet()) {
        return start.get();
      }
      String first = fileName(LIBRARIES.get(0));
      Path folder =
          new NativeFiles("onnxruntime-" + platform(), files)
              .load(candidate -> System.load(candidate.resolve(first).toString()));
      System.setProperty(FOLDER, folder.toString());
      try {
        return start.get();
      } finally {
        System.clearProperty(FOLDER);
      }
    }
  }

  /**
   * ONNX Runtime makes a folder there in any case, and could not be started again if that failed.
   */
  private static void requireTemporaryFolder() throws IOException {
    Path folder = Path.of(System.getProperty("java.io.tmpdir"));
    if (!Files.isWritable(folder)) {
      throw new IOException(
          "expected a folder for temporary files that can be written, found "
              + folder
              + ". Name another with -Djava.io.tmpdir.");
    }
  }

  private static boolean isSet() {
    return System.getProperties().stringPropertyNames().stream()
        .anyMatch(name -> name.startsWith(SETTINGS));
  }

  /** Whether ONNX Runtime has loaded its libraries; if that cannot be told, it is taken not to. */
  private static boolean isStarted() {
    try {
      Field loaded = Class.forName("ai.onnxruntime.OnnxRuntime").getDeclaredField("loaded");
      loaded.setAccessible(true);
      return loaded.getBoolean(null);
    } catch (ReflectiveOperationException | InaccessibleObjectException e) {
      return false;
    }
  }

  /** None if ONNX Runtime's classes belong to another class loader, for which we cannot load. */
  private static Map<String, URL> onClassPath() {
    Map<String, URL> files = new TreeMap<>();
    ClassLoader loader = OrtEnvironment.class.getClassLoader();
    if (loader.equals(OrtNatives.class.getClassLoader())) {
      for (String library : LIBRARIES) {
        String file = fileName(library);
        URL url = loader.getResource("ai/onnxruntime/native/" + platform() + "/" + file);
        if (url != null) {
          files.put(file, url);
        }
      }
    }
    return files.containsKey(fileName(LIBRARIES.get(0))) ? files : Map.of();
  }

  private static String fileName(String library) {
    return System.mapLibraryName(library).replace("jnilib", "dylib");
  }

  /** As ONNX Runtime names it, such as {@code linux-x64}. */
  private static String platform() {
    return NativePlatform.name().replace("x86_64", "x64");
  }
}
