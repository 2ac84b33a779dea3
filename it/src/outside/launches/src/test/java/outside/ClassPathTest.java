package outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program on class paths as others have them. */
class ClassPathTest {
  @Test
  void plain_embeds_andLogsNothing() throws Exception {
    assertThat(Jvm.run(Jvm.classPath(Jvm.onnxLibraries()), "outside.Embed"))
        .containsExactly(Jvm.EMBEDDED);
  }

  @Test
  void bothBackends_embed() throws Exception {
    String all = Jvm.classPath(Jvm.libraries());

    assertThat(Jvm.run(all, "outside.Embed")).contains(Jvm.EMBEDDED);
    assertThat(Jvm.run(all, "outside.Embed", "djl")).contains(Jvm.EMBEDDED);
  }

  @Test
  void protobuf_isNotBrought() {
    assertThat(Jvm.libraries()).noneMatch(jar -> Jvm.name(jar).contains("protobuf"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.25.5", "4.28.3", "4.33.5"})
  void protobuf_mayBeFirst(String version) throws Exception {
    embeds(Jvm.neighbours("protobuf-java-" + version));
  }

  @Test
  void jackson_mayBe2_15() throws Exception {
    embeds(
        Jvm.neighbours(
            "jackson-databind-2.15.4", "jackson-core-2.15.4", "jackson-annotations-2.15.4"));
  }

  @Test
  void slf4j_mayBe1_7() throws Exception {
    embeds(Jvm.neighbours("slf4j-api-1.7.36", "slf4j-simple-1.7.36"));
  }

  /** Only the server uses Guava. */
  @Test
  void guava_mayBe31_forTheServer() throws Exception {
    List<Path> libraries = new ArrayList<>(Jvm.neighbours("guava-31.0.1-jre"));
    libraries.addAll(Jvm.libraries());

    try (Server server = Server.start(libraries, "onnx")) {
      assertThat(server.embed(1).join().statusCode()).isEqualTo(200);
    }
  }

  private static void embeds(List<Path> first) throws Exception {
    assertThat(Jvm.run(Jvm.classPath(first, Jvm.onnxLibraries()), "outside.Embed"))
        .contains(Jvm.EMBEDDED);
  }

  @Test
  void shadedJar_embeds() throws Exception {
    assertThat(Jvm.run(System.getProperty("shaded"), "outside.Embed"))
        .containsExactly(Jvm.EMBEDDED);
  }

  @Test
  void nestedJar_embeds() throws Exception {
    List<String> command =
        List.of(Jvm.java().toString(), Jvm.cache(), "-jar", System.getProperty("nested"));

    assertThat(Jvm.run(command, Map.of())).containsExactly(Jvm.EMBEDDED);
  }

  @Test
  void smallHeap_withAHomeThatCannotBeWritten_embeds(@TempDir Path folder) throws Exception {
    Path home = Files.writeString(folder.resolve("home"), "a file: no folder can be made in it");
    List<String> command =
        List.of(
            Jvm.java().toString(),
            "-Xmx64m",
            "-Duser.home=" + home,
            "-cp",
            Jvm.classPath(Jvm.onnxLibraries()),
            "outside.Embed");

    assertThat(Jvm.run(command, Map.of("HOME", home.toString(), "XDG_CACHE_HOME", "")))
        .contains(Jvm.EMBEDDED);
  }

  @Test
  void twoClassLoaders_andARedeployedOne_embed() throws Exception {
    List<String> embedded = new ArrayList<>();
    System.setProperty("luciole.cache", System.getProperty("cache"));
    try (URLClassLoader second = loader(Jvm.onnxLibraries())) {
      try (URLClassLoader first = loader(Jvm.onnxLibraries())) {
        embedded.add(embed(first));
        embedded.add(embed(second));
      }
      try (URLClassLoader redeployed = loader(Jvm.onnxLibraries())) {
        embedded.add(embed(redeployed));
      }
      embedded.add(embed(second));
    }

    assertThat(embedded).hasSize(4).allMatch(Jvm.EMBEDDED::equals);
  }

  @Test
  void twoClassLoaders_secondIsToldThatPyTorchIsTaken() throws Exception {
    System.setProperty("luciole.cache", System.getProperty("cache"));
    try (URLClassLoader first = loader(Jvm.djlLibraries());
        URLClassLoader second = loader(Jvm.djlLibraries())) {
      assertThat(embed(first)).isEqualTo(Jvm.EMBEDDED);

      assertThatThrownBy(() -> embed(second))
          .cause()
          .hasMessageContaining("PyTorch is loaded in another class loader of this JVM")
          .hasMessageContaining("backend onnx");
    }
  }

  private static URLClassLoader loader(List<Path> libraries) {
    return new URLClassLoader(
        libraries.stream().map(ClassPathTest::url).toArray(URL[]::new),
        ClassLoader.getPlatformClassLoader());
  }

  private static URL url(Path jar) {
    try {
      return jar.toUri().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalArgumentException(jar.toString(), e);
    }
  }

  private static String embed(ClassLoader loader) throws ReflectiveOperationException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    try {
      return (String)
          loader
              .loadClass("outside.Embed")
              .getMethod("embed", String[].class)
              .invoke(null, (Object) new String[0]);
    } finally {
      thread.setContextClassLoader(before);
    }
  }
}
