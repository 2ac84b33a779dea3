package io.luciole.djl;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.engine.StandardCapabilities;
import ai.djl.pytorch.engine.PtEngine;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import io.luciole.internal.CudaLibraries;
import io.luciole.internal.DjlSettings;
import io.luciole.internal.NativePlatform;
import io.luciole.spi.BackendException;
import io.luciole.spi.Device;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** PyTorch in this process. It is loaded once and uses no network. Safe for use by many threads. */
final class TorchRuntime {
  private static final String OFFLINE = "ai.djl.offline";
  private static final String LIBRARY_PATH = "PYTORCH_LIBRARY_PATH";

  private static @Nullable TorchRuntime loaded;

  private final Engine engine;

  /** How this PyTorch can be one for CUDA, for an error about a device. */
  private final String howToCuda;

  /** PyTorch's default number of threads: one for each core. */
  private final int threads;

  private TorchRuntime(Engine engine, String howToCuda) {
    this.engine = engine;
    this.howToCuda = howToCuda;
    this.threads =
        Math.max(1, Math.min(JniUtils.getNumThreads(), Runtime.getRuntime().availableProcessors()));
  }

  /**
   * Loads PyTorch if it is not loaded yet.
   *
   * @throws BackendException if PyTorch is missing or does not load; the message says what to add
   */
  static synchronized TorchRuntime load() {
    TorchRuntime runtime = loaded;
    if (runtime == null) {
      runtime = find();
      loaded = runtime;
    }
    return runtime;
  }

  /**
   * The build for CUDA where there is one, a GPU and all that it needs; otherwise the build for
   * CPUs. Where the environment names a folder, that one.
   */
  private static TorchRuntime find() {
    ClassLoader loader = loader();
    String folder = DjlSettings.get(LIBRARY_PATH);
    if (folder != null) {
      Natives.requireFolder(folder);
      return new TorchRuntime(
          loadEngine(
              TorchRuntime::pyTorch,
              "come from the folder that PYTORCH_LIBRARY_PATH names, "
                  + folder
                  + ": see that it has all of libtorch 2.7.1 for this machine, and that"
                  + " PYTORCH_VERSION and PYTORCH_FLAVOR are what it is"),
          "It is the one that PYTORCH_LIBRARY_PATH names, " + folder + ". " + Natives.ADD_CUDA);
    }
    if (!CudaNatives.areOn(loader)) {
      Natives.check(loader, NativePlatform.name());
      return new TorchRuntime(loadEngine(TorchRuntime::pyTorch, forCpus()), Natives.ADD_CUDA);
    }
    String missing = CudaNatives.missing(hasNvidiaDevice(), CudaLibraries.installed());
    if (missing.isEmpty()) {
      Map<String, URL> files = CudaNatives.files(loader);
      return new TorchRuntime(
          loadEngine(
              () -> CudaNatives.load(files, TorchRuntime::pyTorch),
              "come from io.luciole:luciole-djl-cuda12, and are copied to the cache folder: see"
                  + " that they are whole there"),
          Natives.ADD_CUDA);
    }
    Natives.check(loader, NativePlatform.name());
    return new TorchRuntime(
        loadEngine(TorchRuntime::pyTorch, forCpus()),
        "PyTorch's libraries for CUDA are on the class path and were not loaded. " + missing);
  }

  private static String forCpus() {
    return "come from ai.djl.pytorch:pytorch-native-cpu:2.7.1 with the classifier "
        + NativePlatform.name()
        + ", and are unpacked to the folder .djl.ai of the user's home, or DJL_CACHE_DIR: see that"
        + " it can be written";
  }

  /**
   * Loads PyTorch.
   *
   * @param origin where its libraries come from and what to see to, behind "its libraries"
   */
  private static Engine loadEngine(Supplier<Engine> load, String origin) {
    // When DJL first looks for engines it sends a report, and downloads libraries that it does not
    // find. Reports are switched off for good. Downloads are switched off only while this loads,
    // because the application may use them elsewhere.
    DjlSettings.setUnlessSet("OPT_OUT_TRACKING", "true");
    String before = System.setProperty(OFFLINE, "true");
    try {
      return hasNvidiaDevice() ? load.get() : CudaWarnings.silenced(load);
    } catch (IllegalArgumentException e) {
      throw new BackendException(Natives.classesMissing(e), e);
    } catch (EngineException | AssertionError | UnsatisfiedLinkError e) {
      if (String.valueOf(root(e).getMessage()).contains("another classloader")) {
        throw new BackendException(
            "PyTorch is loaded in another class loader of this JVM, and a JVM can load it in one"
                + " only ("
                + root(e)
                + "). Move luciole-backend-djl with its dependencies to a class loader that the"
                + " applications share, or take the backend onnx, which each can load.",
            e);
      }
      throw new BackendException(
          "PyTorch cannot be loaded (" + root(e) + "). Its native libraries " + origin + ".", e);
    } finally {
      if (before == null) {
        System.clearProperty(OFFLINE);
      } else {
        System.setProperty(OFFLINE, before);
      }
    }
  }

  private static Engine pyTorch() {
    return Engine.getEngine(PtEngine.ENGINE_NAME);
  }

  /** Whether this PyTorch may be for CUDA; loads nothing. */
  static boolean mayBeForCuda() {
    return DjlSettings.get(LIBRARY_PATH) != null
        || !Natives.areForCpusOnly(loader())
        || CudaNatives.areOn(loader());
  }

  private static ClassLoader loader() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context != null ? context : TorchRuntime.class.getClassLoader();
  }

  private static Throwable root(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  String version() {
    return "PyTorch " + engine.getVersion() + " (DJL " + Engine.getDjlVersion() + ")";
  }

  /** Threads for a run on the CPU: as many as asked for, or one for each core if 0. */
  int threads(int asked) {
    return asked > 0 ? asked : threads;
  }

  /** Opens a scope of native memory on a device. */
  PtNDManager newManager(Device device) {
    return (PtNDManager)
        engine.newBaseManager(
            device.isAccelerator() ? ai.djl.Device.gpu(device.ordinal()) : ai.djl.Device.cpu());
  }

  /** Usable devices, best first. The reasons why others cannot be used are added to problems. */
  List<Device> devices(List<String> problems) {
    List<Device> devices = new ArrayList<>();
    if (engine.hasCapability(StandardCapabilities.CUDA)) {
      int count = engine.getGpuCount();
      for (int i = 0; i < count; i++) {
        devices.add(new Device("cuda", i));
      }
      if (count == 0) {
        problems.add(
            "This PyTorch is for CUDA, and CUDA finds no device: nvidia-smi may tell why.");
      }
    } else if (hasNvidiaDevice()) {
      problems.add("An NVIDIA GPU is here, and this PyTorch is for CPU only. " + howToCuda);
    } else if (DjlSettings.get(LIBRARY_PATH) == null && CudaNatives.areOn(loader())) {
      problems.add(howToCuda);
    }
    devices.add(Device.CPU);
    return devices;
  }

  /**
   * Checks that a device can be used.
   *
   * @throws BackendException if not; the message says what is missing
   */
  void require(Device device) {
    switch (device.type()) {
      case "cpu" -> {}
      case "cuda" -> {
        if (!engine.hasCapability(StandardCapabilities.CUDA)) {
          throw new BackendException(
              device + " was asked for, and this PyTorch is for CPU only. " + howToCuda);
        }
        if (device.ordinal() >= engine.getGpuCount()) {
          throw new BackendException(
              device
                  + " was asked for, and CUDA finds "
                  + engine.getGpuCount()
                  + " devices. nvidia-smi lists those of the machine, CUDA_VISIBLE_DEVICES may hide"
                  + " some.");
        }
      }
      default ->
          throw new BackendException(
              "The backend djl runs on cpu and cuda devices, not on " + device + ".");
    }
  }

  private static boolean hasNvidiaDevice() {
    try (Stream<Path> files = Files.list(Path.of("/proc/driver/nvidia/gpus"))) {
      return files.findAny().isPresent();
    } catch (IOException | SecurityException e) {
      return false;
    }
  }
}
