package io.luciole.onnx;

import io.luciole.internal.CudaLibraries.Toolkit;
import java.util.List;

/**
 * The versions of CUDA for which there are builds of ONNX Runtime ({@link OrtRuntime#ADD_CUDA}):
 * what their CUDA providers link to (by their ELF headers), and cuDNN, which ONNX Runtime asks for
 * with CUDA 12 as well.
 */
final class CudaToolkits {
  static final List<Toolkit> ALL =
      List.of(
          new Toolkit(
              "CUDA 12",
              List.of(
                  "libcudart.so.12",
                  "libcublas.so.12",
                  "libcublasLt.so.12",
                  "libcurand.so.10",
                  "libcudnn.so.9"),
              "cuda-cudart-12-8 libcublas-12-8 libcurand-12-8 libcudnn9-cuda-12",
              "nvidia-cuda-runtime-cu12 nvidia-cublas-cu12 nvidia-curand-cu12 nvidia-cudnn-cu12"),
          new Toolkit(
              "CUDA 13",
              List.of("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9"),
              "cuda-cudart-13-0 libcublas-13-0 libcudnn9-cuda-13",
              "nvidia-cuda-runtime nvidia-cublas nvidia-cudnn-cu13"));

  private CudaToolkits() {}
}
