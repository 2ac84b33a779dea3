package io.luciole.model;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.luciole.internal.DjlSettings;
import io.luciole.internal.NativeFiles;
import io.luciole.internal.NativePlatform;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Loads the native library of DJL's tokenizers, once.
 *
 * <p>DJL's own way ({@link LibUtils}) is left to those who ask for it by DJL's settings: it cannot
 * open the library in a second class loader of a JVM, looks for CUDA with a warning where there is
 * none, and reports home.
 */
final class TokenizersNatives {
  private static final String LIBRARIES = "native/lib/";

  /** DJL's settings that say from where or how to load the library. */
  private static final List<String> SETTINGS =
      List.of("RUST_LIBRARY_PATH", "ai.djl.huggingface.native_helper");

  private static boolean loaded;

  private TokenizersNatives() {}

  /**
   * Loads the library unless that is done.
   *
   * @throws ModelException if it cannot be loaded; the message says why and what to do
   */
  static synchronized void load() {
    if (loaded) {
      return;
    }
    try {
      ClassLoader loader = TokenizersLibrary.class.getClassLoader();
      // What System.load loads belongs to the class loader of the class that calls it.
      if (loader.equals(TokenizersNatives.class.getClassLoader())
          && SETTINGS.stream().allMatch(setting -> DjlSettings.get(setting) == null)) {
        loadCopy(loader);
      } else {
        loadAsDjlDoes();
      }
    } catch (IOException e) {
      throw new ModelException("The tokenizers cannot be loaded: " + e.getMessage(), e);
    } catch (RuntimeException | LinkageError e) {
      Throwable cause = e.getCause() != null ? e.getCause() : e;
      throw new ModelException("DJL cannot load its tokenizers: " + cause, e);
    }
    loaded = true;
  }

  private static void loadCopy(ClassLoader loader) throws IOException {
    String platform = NativePlatform.name();
    String library = System.mapLibraryName("tokenizers");
    // In the order in which each needs those before it.
    List<String> names =
        platform.startsWith("win-")
            ? List.of("libwinpthread-1.dll", "libgcc_s_seh-1.dll", "libstdc++-6.dll", library)
            : List.of(library);
    Map<String, URL> files = new TreeMap<>();
    for (String name : names) {
      String resource = LIBRARIES + platform + "/cpu/" + name;
      URL url = loader.getResource(resource);
      if (url == null) {
        throw new IOException(
            "expected "
                + resource
                + " on the class path, found none. ai.djl.huggingface:tokenizers has libraries for"
                + " linux-x86_64, linux-aarch64, osx-aarch64 and win-x86_64; set RUST_LIBRARY_PATH"
                + " to the file "
                + name
                + " of one that was built for "
                + platform
                + ".");
      }
      files.put(name, url);
    }
    new NativeFiles("tokenizers-" + version(loader) + "-" + platform, files)
        .load(folder -> names.forEach(name -> System.load(folder.resolve(name).toString())));
  }

  private static void loadAsDjlDoes() {
    // DJL asks a cloud metadata service where it runs and reports home, unless told otherwise; and
    // on CUDA machines it would download a GPU build of its tokenizers.
    DjlSettings.setUnlessSet("OPT_OUT_TRACKING", "true");
    DjlSettings.setUnlessSet("RUST_FLAVOR", "cpu");
    LibUtils.checkStatus();
  }

  private static String version(ClassLoader loader) throws IOException {
    Properties properties = new Properties();
    try (InputStream in = loader.getResourceAsStream(LIBRARIES + "tokenizers.properties")) {
      if (in != null) {
        properties.load(in);
      }
    }
    return properties.getProperty("version", "unknown");
  }
}
