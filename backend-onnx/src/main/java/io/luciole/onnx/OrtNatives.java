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
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  private static final String RUNTIME = "onnxruntime";
  private static final String JNI = "onnxruntime4j_jni";
  private static final String SHARED = "onnxruntime_providers_shared";
  private static final String CUDA_PROVIDER = "onnxruntime_providers_cuda";

  /** Where org.bytedeco:onnxruntime has its libraries for CUDA 13, the runtime's with ".1". */
  private static final String CUDA_13 = "org/bytedeco/onnxruntime/linux-x86_64-gpu/";

  /** All that a build of ONNX Runtime for Java may have, each after what it needs. */
  private static final List<String> LIBRARIES =
      List.of(
          RUNTIME,
          JNI,
          SHARED,
          CUDA_PROVIDER,
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
      requireLibraryThatIsNamed();
      Map<String, URL> files = onClassPath();
      if (files.isEmpty() || isSet()) {
        return start.get();
      }
      String first = fileName(RUNTIME);
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

  /** ONNX Runtime tells that its library is missing once; its class then fails without a reason. */
  private static void requireLibraryThatIsNamed() throws IOException {
    String named = System.getProperty(FOLDER);
    if (named != null
        && !Boolean.getBoolean(SETTINGS + RUNTIME + ".skip")
        && !Files.exists(Path.of(named, fileName(RUNTIME)))) {
      throw new IOException(
          "expected "
              + fileName(RUNTIME)
              + " in the folder that -D"
              + FOLDER
              + " names, "
              + named
              + ", found no such file. Name the folder of ONNX Runtime's native libraries, or leave"
              + " the setting out.");
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
  private static Map<String, URL> onClassPath() throws IOException {
    ClassLoader loader = OrtEnvironment.class.getClassLoader();
    return loader.equals(OrtNatives.class.getClassLoader()) ? files(loader) : Map.of();
  }

  /**
   * The libraries that fit together: those of one artifact, of one for CUDA before one for CPUs.
   * Where {@code luciole-onnx-cuda13} adds a build for CUDA 13, they are that build's, with the one
   * that joins them to Java from Microsoft's artifact.
   *
   * @return file names with their resources; none if there is no artifact for this platform
   */
  static Map<String, URL> files(ClassLoader loader) throws IOException {
    String folder = "ai/onnxruntime/native/" + platform() + "/";
    URL first = loader.getResource(folder + fileName(CUDA_PROVIDER));
    if (first == null) {
      first = loader.getResource(folder + fileName(RUNTIME));
    }
    if (first == null) {
      return Map.of();
    }
    String artifact = parent(first);
    Map<String, URL> files = new TreeMap<>();
    for (String library : LIBRARIES) {
      String file = fileName(library);
      for (URL url : Collections.list(loader.getResources(folder + file))) {
        if (parent(url).equals(artifact)) {
          files.put(file, url);
        }
      }
    }
    if (!files.containsKey(fileName(RUNTIME))) {
      return Map.of();
    }
    Map<String, URL> cuda13 = cuda13(loader);
    if (!cuda13.isEmpty() && files.containsKey(fileName(CUDA_PROVIDER))) {
      files.keySet().retainAll(Set.of(fileName(JNI)));
      files.putAll(cuda13);
    }
    return files;
  }

  /** The libraries built for CUDA 13: all that a session needs, or none. */
  private static Map<String, URL> cuda13(ClassLoader loader) {
    List<String> libraries = List.of(RUNTIME, SHARED, CUDA_PROVIDER);
    Map<String, URL> files = new TreeMap<>();
    for (String library : libraries) {
      String file = fileName(library);
      URL url = loader.getResource(CUDA_13 + file + (library.equals(RUNTIME) ? ".1" : ""));
      if (url != null) {
        files.put(file, url);
      }
    }
    return files.size() == libraries.size() ? files : Map.of();
  }

  private static String parent(URL file) {
    String url = file.toString();
    return url.substring(0, url.lastIndexOf('/'));
  }

  private static String fileName(String library) {
    return System.mapLibraryName(library).replace("jnilib", "dylib");
  }

  /** As ONNX Runtime names it, such as {@code linux-x64}. */
  private static String platform() {
    return NativePlatform.name().replace("x86_64", "x64");
  }
}
