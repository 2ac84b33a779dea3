package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.internal.CudaLibraries;
import io.luciole.spi.BackendException;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which libraries for CUDA are taken. The artifacts are folders of small files. */
class CudaNativesTest {
  private static final List<String> PYTORCH =
      List.of(
          "libc10.so",
          "libc10_cuda.so",
          "libgomp.so.1",
          "libtorch.so",
          "libtorch_cpu.so",
          "libtorch_cuda.so",
          "libtorch_cuda_linalg.so");

  private static final List<String> OPENBLAS =
      List.of("libgfortran.so.5", "libopenblas.so.0", "libquadmath.so.0");

  @TempDir Path temp;

  private void pytorch(String version) throws IOException {
    for (String name : PYTORCH) {
      write("pytorch", "org/bytedeco/pytorch/linux-x86_64-gpu/" + name, name);
    }
    write(
        "pytorch",
        "META-INF/maven/org.bytedeco/pytorch/pom.properties",
        "artifactId=pytorch\nversion=" + version);
  }

  private void openBlas() throws IOException {
    for (String name : OPENBLAS) {
      write("openblas", "org/bytedeco/openblas/linux-x86_64/" + name, name);
    }
  }

  private void glue(String version) throws IOException {
    write("djl", "pytorch-engine.properties", "djl_version=0.35.1\npytorch_version=2.7.1");
    write("djl", "jnilib/pytorch.properties", "jni_version=" + version);
  }

  private void write(String artifact, String name, String content) throws IOException {
    Path file = temp.resolve(artifact).resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private URLClassLoader classPath(String... artifacts) throws IOException {
    URL[] urls = new URL[artifacts.length];
    for (int i = 0; i < urls.length; i++) {
      urls[i] = temp.resolve(artifacts[i]).toUri().toURL();
    }
    return new URLClassLoader(urls, null);
  }

  @Test
  void wholeBuild_isTaken() throws IOException {
    pytorch("2.7.1-1.5.12");
    openBlas();
    glue("2.7.1-0.35.1");

    try (URLClassLoader loader = classPath("pytorch", "openblas", "djl")) {
      assertThat(CudaNatives.areOn(loader)).isTrue();
      assertThat(CudaNatives.files(loader).keySet())
          .containsExactlyInAnyOrderElementsOf(
              List.of(PYTORCH, OPENBLAS).stream().flatMap(List::stream).toList());
    }
  }

  @Test
  void withoutOpenBlas_theMissingLibraryIsNamed() throws IOException {
    pytorch("2.7.1-1.5.12");
    glue("2.7.1-0.35.1");

    try (URLClassLoader loader = classPath("pytorch", "djl")) {
      assertThatThrownBy(() -> CudaNatives.files(loader))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("org/bytedeco/openblas/linux-x86_64/lib")
          .hasMessageContaining("luciole-djl-cuda12");
    }
  }

  @Test
  void buildOfAnotherVersion_isRefused_withThePair() throws IOException {
    pytorch("2.10.0-1.5.13");
    openBlas();
    glue("2.7.1-0.35.1");

    try (URLClassLoader loader = classPath("pytorch", "openblas", "djl")) {
      assertThatThrownBy(() -> CudaNatives.files(loader))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("org.bytedeco:pytorch of PyTorch 2.7.1")
          .hasMessageContaining("found 2.10.0-1.5.13");
    }
  }

  @Test
  void glueOfAnotherVersion_isRefused_withThePair() throws IOException {
    pytorch("2.7.1-1.5.12");
    openBlas();
    glue("2.5.1-0.33.0");

    try (URLClassLoader loader = classPath("pytorch", "openblas", "djl")) {
      assertThatThrownBy(() -> CudaNatives.files(loader))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("pytorch-jni:2.7.1-0.35.1")
          .hasMessageContaining("found 2.5.1-0.33.0");
    }
  }

  @Test
  void noBuild_isNotThere() throws IOException {
    glue("2.7.1-0.35.1");

    try (URLClassLoader loader = classPath("djl")) {
      assertThat(CudaNatives.areOn(loader)).isFalse();
    }
  }

  /** Every library that a machine lacks is named, with the packages that have them. */
  @Test
  void missingLibraries_areAllNamed() {
    String missing = CudaNatives.missing(true, CudaLibraries.none());

    assertThat(CudaNatives.CUDA_12.libraries())
        .hasSize(10)
        .allSatisfy(library -> assertThat(missing).contains(library));
    assertThat(missing).contains("libcudnn9-cuda-12").contains("nvidia-cufile-cu12");
    assertThat(missing).doesNotContain("no device");
  }

  /** A machine without a GPU learns at once what else it lacks. */
  @Test
  void missingDevice_isToldWithWhatToDo_andWithTheLibraries() {
    String missing = CudaNatives.missing(false, CudaLibraries.none());

    assertThat(missing)
        .startsWith("NVIDIA's driver has no device in this machine or container")
        .contains("driver 570 or later", "nvidia-smi", "--gpus all")
        .contains("missing libcudart.so.12", "libcudnn.so.9");
  }
}
