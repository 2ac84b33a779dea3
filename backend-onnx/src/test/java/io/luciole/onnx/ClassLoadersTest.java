package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Web applications of one JVM, each with Luciole in a class loader of its own. */
class ClassLoadersTest {
  @Test
  void twoClassLoaders_openAnEngineEach_andSoDoesARedeployedOne() throws Exception {
    try (URLClassLoader second = loader()) {
      float[] expected;
      try (URLClassLoader first = loader()) {
        expected = embed(first);
        assertThat(embed(second)).isEqualTo(expected);
      }
      try (URLClassLoader redeployed = loader()) {
        assertThat(embed(redeployed)).isEqualTo(expected);
      }
      assertThat(embed(second)).isEqualTo(expected);
    }
  }

  private static URLClassLoader loader() {
    URL[] classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(ClassLoadersTest::url)
            .toArray(URL[]::new);
    return new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader());
  }

  private static URL url(String entry) {
    try {
      return Path.of(entry).toUri().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalArgumentException(entry, e);
    }
  }

  @SuppressWarnings("unchecked") // the class is loaded by its name
  private static float[] embed(ClassLoader loader) throws ReflectiveOperationException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    try {
      return ((Supplier<float[]>)
              loader.loadClass(Application.class.getName()).getDeclaredConstructor().newInstance())
          .get();
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** What runs in each class loader: opens an engine, embeds a text, closes. */
  public static final class Application implements Supplier<float[]> {
    /** Called by reflection. */
    public Application() {}

    @Override
    public float[] get() {
      return OneText.embed("starter");
    }
  }
}
