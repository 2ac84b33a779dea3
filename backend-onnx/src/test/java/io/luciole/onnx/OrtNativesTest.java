package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.internal.NativePlatform;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which of several artifacts' libraries are taken. The artifacts are folders of empty files. */
class OrtNativesTest {
  private static final String MICROSOFT =
      "ai/onnxruntime/native/" + NativePlatform.name().replace("x86_64", "x64") + "/";
  private static final String BYTEDECO = "org/bytedeco/onnxruntime/linux-x86_64-gpu/";

  @TempDir Path temp;

  private Path artifact(String name, String... files) throws IOException {
    for (String file : files) {
      Path path = temp.resolve(name).resolve(file);
      Files.createDirectories(path.getParent());
      Files.createFile(path);
    }
    return temp.resolve(name);
  }

  private Path cpu() throws IOException {
    return artifact("cpu", MICROSOFT + lib("onnxruntime"), MICROSOFT + lib("onnxruntime4j_jni"));
  }

  private Path gpu() throws IOException {
    return artifact(
        "gpu",
        MICROSOFT + lib("onnxruntime"),
        MICROSOFT + lib("onnxruntime4j_jni"),
        MICROSOFT + lib("onnxruntime_providers_shared"),
        MICROSOFT + lib("onnxruntime_providers_cuda"),
        MICROSOFT + lib("onnxruntime_providers_tensorrt"));
  }

  private Path cuda13() throws IOException {
    return artifact(
        "cuda13",
        BYTEDECO + lib("onnxruntime") + ".1",
        BYTEDECO + lib("onnxruntime_providers_shared"),
        BYTEDECO + lib("onnxruntime_providers_cuda"));
  }

  private static String lib(String library) {
    return System.mapLibraryName(library).replace("jnilib", "dylib");
  }

  /** For each library the artifact that it is taken from. */
  private Map<String, String> taken(Path... classPath) throws IOException {
    URL[] urls = new URL[classPath.length];
    for (int i = 0; i < urls.length; i++) {
      urls[i] = classPath[i].toUri().toURL();
    }
    Map<String, String> taken = new TreeMap<>();
    try (URLClassLoader loader = new URLClassLoader(urls, null)) {
      OrtNatives.files(loader)
          .forEach(
              (file, url) -> taken.put(file, temp.relativize(path(url)).getName(0).toString()));
    }
    return taken;
  }

  private static Path path(URL url) {
    return Path.of(URI.create(url.toString()));
  }

  @Test
  void cpuBeforeGpu_allComeFromTheArtifactForCuda() throws IOException {
    assertThat(taken(cpu(), gpu()))
        .hasSize(5)
        .containsKey(lib("onnxruntime4j_jni"))
        .allSatisfy((file, artifact) -> assertThat(artifact).as(file).isEqualTo("gpu"));
  }

  @Test
  void cpuAlone_isTaken() throws IOException {
    assertThat(taken(cpu()))
        .isEqualTo(Map.of(lib("onnxruntime"), "cpu", lib("onnxruntime4j_jni"), "cpu"));
  }

  @Test
  void cuda13_replacesAllButTheJoinToJava() throws IOException {
    assertThat(taken(cpu(), gpu(), cuda13()))
        .isEqualTo(
            Map.of(
                lib("onnxruntime"), "cuda13",
                lib("onnxruntime_providers_shared"), "cuda13",
                lib("onnxruntime_providers_cuda"), "cuda13",
                lib("onnxruntime4j_jni"), "gpu"));
  }

  @Test
  void cuda13WithoutTheArtifactForCuda_isLeftAlone() throws IOException {
    assertThat(taken(cpu(), cuda13()))
        .isEqualTo(Map.of(lib("onnxruntime"), "cpu", lib("onnxruntime4j_jni"), "cpu"));
  }

  @Test
  void noArtifact_noLibraries() throws IOException {
    assertThat(taken(cuda13())).isEmpty();
  }
}
