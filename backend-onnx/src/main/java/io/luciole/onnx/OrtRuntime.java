package io.luciole.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import io.luciole.internal.CudaLibraries;
import io.luciole.model.ModelException;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.Device;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The native library: loading it, its devices, sessions. */
final class OrtRuntime {
  static final String ADD_CPU =
      "Add com.microsoft.onnxruntime:onnxruntime 1.28.0 to the class path.";
  static final String ADD_CUDA =
      "For CUDA 12 (12.8 or later, with cuDNN 9) put com.microsoft.onnxruntime:onnxruntime_gpu"
          + " 1.28.0 on the class path in place of onnxruntime. For CUDA 13 depend on"
          + " io.luciole:luciole-onnx-cuda13 (a POM) in place of luciole-backend-onnx, or run"
          + " ./luciole with LUCIOLE_PROFILES=cuda13.";

  /**
   * Attention kernels that CUDA sessions may use, bits of ONNX Runtime's {@code AttentionBackend}:
   * flash (1), memory-efficient (2) and plain (16). Naming any also lifts the rule that packed
   * texts of up to 512 tokens take the memory-efficient kernel, which takes twice the time of flash
   * there (550 against about 270 µs a layer of BGE-M3 for 64 texts of 512 tokens on an H200).
   */
  private static final int ATTENTION = 1 + 2 + 16;

  /** cuDNN's kernel, for the padded layout before the others; off unless named. */
  private static final int CUDNN_ATTENTION = 8;

  private static final Logger log = LoggerFactory.getLogger(OrtRuntime.class);

  private final OrtEnvironment environment;

  private OrtRuntime(OrtEnvironment environment) {
    this.environment = environment;
  }

  /**
   * Loads the native library unless that is done.
   *
   * @throws BackendException if it cannot be loaded; the message says why and what to add
   */
  static OrtRuntime load() {
    try {
      // ONNX Runtime prints its errors besides throwing them; they are told once, by us.
      OrtLoggingLevel level =
          log.isDebugEnabled()
              ? OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING
              : OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
      OrtEnvironment environment =
          OrtNatives.start(() -> OrtEnvironment.getEnvironment(level, "luciole"));
      environment.setTelemetry(false);
      return new OrtRuntime(environment);
    } catch (IOException e) {
      throw new BackendException("ONNX Runtime cannot be loaded: " + e.getMessage(), e);
    } catch (OrtException | LinkageError | RuntimeException e) {
      throw new BackendException(
          "ONNX Runtime cannot be loaded ("
              + root(e)
              + "). "
              + advice(root(e))
              + " It has native libraries for Linux (x64, aarch64), macOS and Windows; with"
              + " -Donnxruntime.native.path they come from that folder.",
          e);
    }
  }

  private static Throwable root(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /** What to do about a failure, beneath all that was thrown for it. */
  private static String advice(Throwable root) {
    if (root instanceof IOException) {
      return "Name a folder that can be written with -Djava.io.tmpdir.";
    }
    boolean missing =
        root instanceof ClassNotFoundException
            || String.valueOf(root.getMessage()).contains("java.library.path");
    return missing ? ADD_CPU : "The library is on the class path; see that the system can load it.";
  }

  String version() {
    return "ONNX Runtime " + environment.getVersion();
  }

  OrtEnvironment environment() {
    return environment;
  }

  /** Threads of the CPU that a backend may use: unless set, one a processor of this process's. */
  static int threads(BackendConfig config) {
    return config.threads() > 0 ? config.threads() : Runtime.getRuntime().availableProcessors();
  }

  /**
   * Options for a device.
   *
   * @param threads threads of the CPU
   * @param layout the graph's attention, which decides on the CUDA kernels it may use
   * @throws BackendException if this build of ONNX Runtime has no support for the device
   */
  OrtSession.SessionOptions options(Device device, int threads, AttentionLayout layout)
      throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    try {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.addConfigEntry("session.inter_op.allow_spinning", "0");
      // Between two operators of a batch a thread that waits spins: to wake it takes 10 to 100 µs,
      // a hundred times a batch. Between two batches it sleeps, and leaves its processor to others.
      options.addConfigEntry("session.intra_op.allow_spinning", device.isAccelerator() ? "0" : "1");
      options.addConfigEntry("session.force_spinning_stop", "1");
      switch (device.type()) {
        case "cpu" -> {}
        case "cuda" -> addCuda(options, device, layout);
        default ->
            throw new BackendException(
                "The backend onnx runs on cpu and cuda devices, not on " + device + ".");
      }
      return options;
    } catch (OrtException | RuntimeException e) {
      options.close();
      throw e;
    }
  }

  private static void addCuda(
      OrtSession.SessionOptions options, Device device, AttentionLayout layout) {
    if (!OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA)) {
      throw new BackendException(
          device
              + " was asked for, and this build of ONNX Runtime is for CPU only. "
              + ADD_CUDA
              + onThisMachine());
    }
    try (OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions(device.ordinal())) {
      int kernels = layout == AttentionLayout.PADDED ? ATTENTION + CUDNN_ATTENTION : ATTENTION;
      cuda.add("sdpa_kernel", Integer.toString(kernels));
      cuda.add("use_tf32", "0"); // by default its products in fp32 round their inputs to 11 bits
      options.addCUDA(cuda);
    } catch (OrtException e) {
      throw cudaFailure(device, e);
    }
  }

  private static BackendException cudaFailure(Device device, OrtException e) {
    return new BackendException(
        device
            + " cannot be used: "
            + firstLine(e)
            + " What ONNX Runtime needs: "
            + ADD_CUDA
            + onThisMachine(),
        e);
  }

  private static String onThisMachine() {
    return " On this machine: " + CudaLibraries.installed().advice(CudaToolkits.ALL);
  }

  private static String firstLine(OrtException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
  }

  /** Usable devices, best first; what keeps others from being used is added to the problems. */
  List<Device> devices(List<String> problems) {
    List<Device> devices = new ArrayList<>();
    if (OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA)) {
      try {
        tryDevice(new Device("cuda", 0));
        for (int i = 0; i < nvidiaDevices(); i++) {
          devices.add(new Device("cuda", i));
        }
      } catch (BackendException e) {
        problems.add(String.valueOf(e.getMessage()));
      }
    } else if (nvidiaFiles() > 0) {
      problems.add(
          "An NVIDIA GPU is here, and this build of ONNX Runtime is for CPU only. "
              + ADD_CUDA
              + onThisMachine());
    }
    devices.add(Device.CPU);
    return devices;
  }

  private void tryDevice(Device device) {
    try (OrtSession.SessionOptions options = options(device, 1, AttentionLayout.LOOP)) {
      environment.createSession(TrivialModel.bytes(), options).close();
    } catch (OrtException e) {
      throw cudaFailure(device, e);
    }
  }

  /** Devices that CUDA shows to this process; at least 1, for one was tried. */
  private static int nvidiaDevices() {
    String visible = System.getenv("CUDA_VISIBLE_DEVICES");
    if (visible != null && !visible.isBlank()) {
      return (int) Stream.of(visible.split(",")).filter(s -> !s.isBlank()).count();
    }
    return Math.max(1, nvidiaFiles());
  }

  private static int nvidiaFiles() {
    try (Stream<Path> files = Files.list(Path.of("/proc/driver/nvidia/gpus"))) {
      return (int) files.count();
    } catch (IOException | SecurityException e) {
      return 0;
    }
  }

  /**
   * Opens an ONNX file.
   *
   * @param level how far ONNX Runtime may rewrite the graph
   * @throws ModelException if it is no model that ONNX Runtime can read
   * @throws BackendException if the device cannot be used
   */
  OrtModel open(Path file, Device device, int threads, OptLevel level) {
    try (OrtSession.SessionOptions options = options(device, threads, AttentionLayout.LOOP)) {
      options.setOptimizationLevel(level);
      return new OrtModel(
          environment, environment.createSession(file.toString(), options), List.of());
    } catch (OrtException e) {
      BackendException failure = OrtErrors.of("loading " + file, e);
      if (failure instanceof BackendOutOfMemoryException) {
        throw failure;
      }
      if (device.isAccelerator() && String.valueOf(e.getMessage()).contains("CUDA")) {
        throw cudaFailure(device, e);
      }
      throw new ModelException(
          "Expected an ONNX model with all its external data beside it, found that ONNX Runtime"
              + " cannot load "
              + file
              + ": "
              + firstLine(e)
              + ". If it was downloaded, compare its size and SHA-256 with the source's.",
          e);
    }
  }

  /**
   * Opens a graph of ours.
   *
   * @param weights its weights, kept for as long as the session lives
   * @param kernels the library with the operators of {@link CudaEncoder} or {@link CpuLayers}, or
   *     null if the graph has none of them
   * @throws BackendException if the device cannot be used or has too little memory
   */
  OrtModel compile(
      ByteBuffer graph,
      Initializers weights,
      Device device,
      int threads,
      AttentionLayout layout,
      @Nullable String kernels) {
    try (OrtSession.SessionOptions options = options(device, threads, layout)) {
      if (kernels != null) {
        options.registerCustomOpLibrary(kernels);
      }
      Map<String, OnnxTensor> tensors = weights.tensors(environment);
      try {
        OrtSession session =
            device.isAccelerator()
                ? copying(graph, tensors, options)
                : sharing(graph, tensors, options);
        return new OrtModel(environment, session, tensors.values());
      } catch (OrtException | RuntimeException e) {
        tensors.values().forEach(OnnxTensor::close);
        throw e;
      }
    } catch (OrtException e) {
      if (device.isAccelerator() && !OrtErrors.isOutOfMemory(String.valueOf(e.getMessage()))) {
        throw cudaFailure(device, e);
      }
      throw OrtErrors.of("compiling the encoder", e);
    }
  }

  /** A session that copies the weights, to its device. */
  private OrtSession copying(
      ByteBuffer graph, Map<String, OnnxTensor> weights, OrtSession.SessionOptions options)
      throws OrtException {
    options.addExternalInitializers(new LinkedHashMap<>(weights));
    return environment.createSession(graph, options);
  }

  /**
   * A session that reads the weights where they are. ONNX Runtime insists that the file which the
   * graph names for them exists, in a folder it is told of, and never opens it: it is empty.
   */
  private OrtSession sharing(
      ByteBuffer graph, Map<String, OnnxTensor> weights, OrtSession.SessionOptions options)
      throws OrtException {
    Path folder = null;
    Path file = null;
    try {
      folder = Files.createTempDirectory("luciole");
      file = Files.createFile(folder.resolve(GraphBuilder.WEIGHTS_FILE));
      options.addConfigEntry(
          "session.model_external_initializers_file_folder_path", folder.toRealPath().toString());
      for (Map.Entry<String, OnnxTensor> weight : weights.entrySet()) {
        options.addInitializer(weight.getKey(), weight.getValue());
      }
      return environment.createSession(graph, options);
    } catch (IOException e) {
      throw new BackendException(
          "Cannot create a file in the folder for temporary files, "
              + System.getProperty("java.io.tmpdir")
              + ": "
              + e
              + ". Free some space, or name another folder with -Djava.io.tmpdir.",
          e);
    } finally {
      deleteQuietly(file);
      deleteQuietly(folder);
    }
  }

  private static void deleteQuietly(@Nullable Path path) {
    try {
      if (path != null) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      log.debug("Left behind: {}", path, e);
    }
  }
}
