package io.luciole.djl;

import io.luciole.spi.BackendException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.regex.Pattern;

/**
 * Finds PyTorch's native libraries on the class path. DJL downloads libraries that it does not
 * find, so this class checks that all are there before DJL looks for them.
 */
final class Natives {
  static final String ADD_CUDA =
      "For CUDA depend on io.luciole:luciole-djl-cuda12 (a POM) in place of luciole-backend-djl, or"
          + " run ./luciole with LUCIOLE_PROFILES=djl-cuda12; both need NVIDIA's libraries of CUDA"
          + " 12.8 or later, cuDNN 9 and the driver 570 or later. Or set in the environment"
          + " PYTORCH_LIBRARY_PATH to the folder lib of a libtorch 2.7.1 for CUDA 12.8,"
          + " PYTORCH_VERSION=2.7.1 and PYTORCH_FLAVOR=cu128.";

  private static final String LIBRARIES = "native/lib/pytorch.properties";
  private static final String GLUE = "jnilib/pytorch.properties";
  private static final String ENGINE = "pytorch-engine.properties";

  private Natives() {}

  /** The message for the case that DJL's own classes are missing. */
  static String classesMissing(Throwable e) {
    return "DJL's PyTorch classes are missing: "
        + e
        + ". Add ai.djl.pytorch:pytorch-engine:0.35.1, which io.luciole:luciole-backend-djl brings"
        + " along.";
  }

  /**
   * Checks that the libraries for a platform and the matching {@code pytorch-jni} are there.
   *
   * @throws BackendException if not; the message says what was found and what to add
   */
  static void check(ClassLoader loader, String platform) {
    List<String> others = new ArrayList<>();
    String version = null;
    for (Properties libraries : read(loader, LIBRARIES)) {
      String classifier = libraries.getProperty("classifier", "");
      // Older artifacts have no property "flavor"; their classifier starts with the flavor:
      // cpu-linux-x86_64.
      if (classifier.equals(platform) || classifier.endsWith("-" + platform)) {
        version = libraries.getProperty("version", "").replaceFirst("-.*", "");
      } else {
        others.add(classifier);
      }
    }
    if (version == null) {
      throw new BackendException(
          "PyTorch's native libraries for "
              + platform
              + " are not on the class path"
              + (others.isEmpty() ? "" : "; found those for " + String.join(", ", others))
              + ". Add ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier "
              + platform
              + " (there are linux-x86_64, linux-aarch64, osx-aarch64 and win-x86_64). "
              + ADD_CUDA);
    }
    requireGlue(loader, version);
  }

  /**
   * Checks that a folder of the user's has PyTorch, since DJL passes over one that has not.
   *
   * @param folders one, or several as in a class path; the library itself will do, too
   * @throws BackendException if none has; the message says what was expected
   */
  static void requireFolder(String folders) {
    String library = System.mapLibraryName("torch");
    for (String folder : folders.split(Pattern.quote(File.pathSeparator), -1)) {
      File named = new File(folder);
      if (new File(named, library).isFile() || (named.isFile() && folder.endsWith(library))) {
        return;
      }
    }
    throw new BackendException(
        "Expected "
            + library
            + " in the folder that PYTORCH_LIBRARY_PATH names, found none in "
            + folders
            + ". Name the folder libtorch/lib of PyTorch's own download or torch/lib of its Python"
            + " package, of version 2.7.1, and set PYTORCH_VERSION=2.7.1 and PYTORCH_FLAVOR (cpu or"
            + " cu128); or unset PYTORCH_LIBRARY_PATH, for the libraries of the class path.");
  }

  /**
   * Checks that the {@code pytorch-jni} for a version of PyTorch and DJL's is there.
   *
   * @throws BackendException if not; the message names the one to add and those that were found
   */
  static void requireGlue(ClassLoader loader, String version) {
    String expected = version;
    for (Properties engine : read(loader, ENGINE)) {
      expected = version + "-" + engine.getProperty("djl_version", "");
    }
    List<String> glue = new ArrayList<>();
    for (Properties found : read(loader, GLUE)) {
      glue.add(found.getProperty("jni_version", ""));
    }
    String wanted = expected;
    if (glue.stream().noneMatch(found -> found.startsWith(wanted))) {
      throw new BackendException(
          "PyTorch "
              + version
              + " needs ai.djl.pytorch:pytorch-jni:"
              + wanted
              + " on the class path; found "
              + (glue.isEmpty() ? "none" : String.join(", ", glue))
              + ".");
    }
  }

  /** Whether all libraries on a class path are for CPUs; also if there are none. */
  static boolean areForCpusOnly(ClassLoader loader) {
    return read(loader, LIBRARIES).stream()
        .map(found -> found.getProperty("flavor", found.getProperty("classifier", "")))
        .allMatch(flavor -> flavor.startsWith("cpu"));
  }

  private static List<Properties> read(ClassLoader loader, String resource) {
    List<Properties> all = new ArrayList<>();
    try {
      for (URL url : Collections.list(loader.getResources(resource))) {
        Properties properties = new Properties();
        try (InputStream in = url.openStream()) {
          properties.load(in);
        }
        all.add(properties);
      }
    } catch (IOException | IllegalArgumentException e) {
      throw new BackendException("Cannot read " + resource + " on the class path: " + e, e);
    }
    return all;
  }
}
