package io.luciole.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.internal.CudaLibraries.Toolkit;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaLibrariesTest {
  private static final Toolkit CUDA_12 =
      new Toolkit(
          "CUDA 12",
          List.of("libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcudnn.so.9"),
          "cuda-cudart-12-8 libcublas-12-8 libcudnn9-cuda-12",
          "nvidia-cudnn-cu12");

  private static final Toolkit CUDA_13 =
      new Toolkit(
          "CUDA 13",
          List.of("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9"),
          "libcudnn9-cuda-13",
          "nvidia-cudnn-cu13");

  private static final List<Toolkit> TOOLKITS = List.of(CUDA_12, CUDA_13);

  @TempDir Path folder;

  private void put(String... names) throws IOException {
    for (String name : names) {
      Files.createFile(folder.resolve(name));
    }
  }

  @Test
  void nothing_isAllMissing() {
    String advice = CudaLibraries.in(List.of(folder.resolve("none")), null).advice(TOOLKITS);

    assertThat(advice)
        .contains("libcuda.so.1 was not found")
        .contains("CUDA 12: missing libcudart.so.12, libcublas.so.12, libcublasLt.so.12,")
        .contains("libcudnn9-cuda-12")
        .contains("CUDA 13: missing libcudart.so.13, libcublas.so.13, libcublasLt.so.13,")
        .contains("libcudnn9-cuda-13");
  }

  @Test
  void oneMissing_isNamed() throws IOException {
    put("libcuda.so.1", "libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12");
    put("libcudart.so.12.8.90");

    String advice = CudaLibraries.in(List.of(folder), null).advice(TOOLKITS);

    assertThat(advice)
        .doesNotContain("libcuda.so.1")
        .contains("CUDA 12: missing libcudnn.so.9; install the packages cuda-cudart-12-8");
  }

  @Test
  void loadersCache_counts() throws IOException {
    put("libcuda.so.1", "libcublas.so.13", "libcublasLt.so.13");
    Path cache = folder.resolve("ld.so.cache");
    Files.writeString(
        cache,
        "glibc-ld.so.cache1.1\0\1libcudnn.so.9\0/x/libcudnn.so.9\0libcudart.so.13\0",
        StandardCharsets.ISO_8859_1);

    String advice = CudaLibraries.in(List.of(folder), cache).advice(TOOLKITS);

    assertThat(advice).contains("CUDA 13: all libraries were found.").contains("CUDA 12: missing");
  }
}
