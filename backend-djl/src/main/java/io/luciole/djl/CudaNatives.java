package io.luciole.djl;

import ai.djl.pytorch.engine.PtEngine;
import io.luciole.internal.CudaLibraries;
import io.luciole.internal.CudaLibraries.Toolkit;
import io.luciole.internal.NativeFiles;
import io.luciole.internal.NativePlatform;
import io.luciole.spi.BackendException;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PyTorch for CUDA 12 as {@code luciole-djl-cuda12} brings it: JavaCPP's build of the version that
 * DJL's glue is for, since DJL itself publishes none. Its libraries are copied to the cache folder
 * once, and DJL is told so by its own settings while it loads them.
 */
final class CudaNatives {
  /** What the libraries link to, by their ELF headers. */
  static final Toolkit CUDA_12 =
      new Toolkit(
          "CUDA 12.8 or later",
          List.of(
              "libcudart.so.12",
              "libcublas.so.12",
              "libcublasLt.so.12",
              "libcufft.so.11",
              "libcufile.so.0",
              "libcupti.so.12",
              "libcurand.so.10",
              "libcusparse.so.12",
              "libnvJitLink.so.12",
              "libcudnn.so.9"),
          "cuda-cudart-12-9 libcublas-12-9 libcufft-12-9 libcufile-12-9 cuda-cupti-12-9"
              + " libcurand-12-9 libcusparse-12-9 libnvjitlink-12-9 libcudnn9-cuda-12",
          "nvidia-cuda-runtime-cu12 nvidia-cublas-cu12 nvidia-cufft-cu12 nvidia-cufile-cu12"
              + " nvidia-cuda-cupti-cu12 nvidia-curand-cu12 nvidia-cusparse-cu12"
              + " nvidia-nvjitlink-cu12 nvidia-cudnn-cu12");

  private static final String NO_DEVICE =
      "NVIDIA's driver has no device in this machine or container: install the driver 570 or later,"
          + " see that nvidia-smi lists the card, and start a container with it (docker run --gpus"
          + " all). ";

  private static final String VERSION = "2.7.1";
  private static final String FLAVOR = "cu128";

  private static final String PYTORCH = "org/bytedeco/pytorch/linux-x86_64-gpu/";
  private static final String PYTORCH_POM = "META-INF/maven/org.bytedeco/pytorch/pom.properties";
  private static final String OPENBLAS = "org/bytedeco/openblas/linux-x86_64/";

  /** The library that needs none of the others, to try a folder with. */
  private static final String FIRST = "libc10.so";

  private static final Map<String, List<String>> LIBRARIES =
      Map.of(
          PYTORCH,
          List.of(
              FIRST,
              "libc10_cuda.so",
              "libgomp.so.1",
              "libtorch.so",
              "libtorch_cpu.so",
              "libtorch_cuda.so",
              "libtorch_cuda_linalg.so"),
          OPENBLAS,
          List.of("libgfortran.so.5", "libopenblas.so.0", "libquadmath.so.0"));

  private static final Logger log = LoggerFactory.getLogger(CudaNatives.class);

  private CudaNatives() {}

  /** Whether a class path may have the build: it has a library of it. */
  static boolean areOn(ClassLoader loader) {
    return loader.getResource(PYTORCH + "libtorch_cuda.so") != null;
  }

  /**
   * The libraries on a class path, by their file names.
   *
   * @throws BackendException if one is missing, or their version is not the glue's
   */
  static Map<String, URL> files(ClassLoader loader) {
    Map<String, URL> files = new TreeMap<>();
    LIBRARIES.forEach(
        (folder, names) -> names.forEach(name -> files.put(name, resource(loader, folder + name))));
    String version = version(resource(loader, PYTORCH + FIRST));
    if (!version.startsWith(VERSION + "-")) {
      throw new BackendException(
          "Expected org.bytedeco:pytorch of PyTorch "
              + VERSION
              + ", which DJL's ai.djl.pytorch:pytorch-jni is for, found "
              + version
              + ". io.luciole:luciole-djl-cuda12 (a POM) brings versions that go together.");
    }
    Natives.requireGlue(loader, VERSION);
    return files;
  }

  private static URL resource(ClassLoader loader, String name) {
    URL url = loader.getResource(name);
    if (url == null) {
      throw new BackendException(
          "Expected "
              + name
              + " on the class path beside PyTorch's libraries for CUDA, found none."
              + " io.luciole:luciole-djl-cuda12 (a POM) brings all that belong together.");
    }
    return url;
  }

  private static String version(URL library) {
    String url = library.toString();
    try {
      String pom = url.substring(0, url.length() - (PYTORCH + FIRST).length()) + PYTORCH_POM;
      Properties properties = new Properties();
      try (InputStream in = URI.create(pom).toURL().openStream()) {
        properties.load(in);
      }
      return properties.getProperty("version", "of no version");
    } catch (MalformedURLException | IllegalArgumentException e) {
      throw new IllegalStateException("no address of a resource: " + url, e);
    } catch (IOException e) {
      return "of no version";
    }
  }

  /**
   * What of NVIDIA's this machine lacks, and how to install it; empty if nothing.
   *
   * @param device whether the driver has a device
   */
  static String missing(boolean device, CudaLibraries installed) {
    if (device && installed.missing(CUDA_12).isEmpty()) {
      return "";
    }
    return (device ? "" : NO_DEVICE) + installed.advice(List.of(CUDA_12));
  }

  /**
   * Calls what makes DJL load PyTorch, with these libraries.
   *
   * @throws BackendException if no folder will do for them
   */
  static <T> T load(Map<String, URL> files, Supplier<T> start) {
    Path folder;
    try {
      log.info("PyTorch for CUDA takes 1.2 GB in the cache folder, where it is copied to once");
      folder =
          new NativeFiles("pytorch-cuda-" + NativePlatform.name(), files).load(CudaNatives::trial);
    } catch (IOException e) {
      throw new BackendException(String.valueOf(e.getMessage()), e);
    }
    Map<String, String> settings =
        Map.of(
            "PYTORCH_LIBRARY_PATH", folder.toString(),
            "PYTORCH_VERSION", VERSION,
            "PYTORCH_FLAVOR", FLAVOR);
    Map<String, String> before = new HashMap<>();
    settings.forEach((name, value) -> {
      String was = System.setProperty(name, value);
      if (was != null) {
        before.put(name, was);
      }
    });
    try {
      return start.get();
    } finally {
      settings.keySet().forEach(System::clearProperty);
      before.forEach(System::setProperty);
    }
  }

  /** Not where DJL has another class loader, for which this class cannot load. */
  private static void trial(Path folder) {
    if (CudaNatives.class.getClassLoader().equals(PtEngine.class.getClassLoader())) {
      System.load(folder.resolve(FIRST).toString());
    }
  }
}
