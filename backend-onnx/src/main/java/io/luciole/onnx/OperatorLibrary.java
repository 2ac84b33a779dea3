package io.luciole.onnx;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.internal.NativeFiles;
import io.luciole.internal.NativePlatform;
import io.luciole.internal.Sha256;
import io.luciole.model.EncoderConfig;
import io.luciole.spi.BackendException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A library of this project's own operators, as the build puts it into the jar. Thread-safe. */
final class OperatorLibrary {
  static final OperatorLibrary CPU = new OperatorLibrary("cpu", "loop");
  static final OperatorLibrary CUDA = new OperatorLibrary("cuda", "packed");

  private static final String PLATFORM = "linux-x86_64";

  private final String name;
  private final String file;
  private final String resource;

  /** The value of {@link OnnxOptions#FORM} that does without the library. */
  private final String otherForm;

  @GuardedBy("this")
  private @Nullable String loaded;

  private OperatorLibrary(String name, String otherForm) {
    this.name = "luciole-" + name;
    this.file = "libluciole_" + name + ".so";
    this.resource = "/native/" + PLATFORM + "/" + file;
    this.otherForm = otherForm;
  }

  /** Why the library cannot be had here; null if it can. */
  @Nullable String obstacle() {
    if (!NativePlatform.name().equals(PLATFORM)) {
      return "they are for Linux x86-64, this is " + NativePlatform.name();
    }
    if (OperatorLibrary.class.getResource(resource) == null) {
      return "this build of luciole-backend-onnx has no "
          + resource
          + "; a build on Linux x86-64 without -Dcuda.skip has it";
    }
    return null;
  }

  /** Why its operators, which compute BERT's layers, cannot compute a model's; null if they can. */
  static @Nullable String obstacleOfLayers(EncoderConfig config) {
    return config.architecture().hasLayersOfBert()
            && config.architecture().embedding() == config.hidden()
            && config.activation() != EncoderConfig.Activation.SILU
        ? null
        : "they are for BERT's layers, with GELU or ReLU, and this model has others";
  }

  /**
   * The library's file, copied to the cache folder unless it is there, and loaded.
   *
   * @throws BackendException if the build has none, or no folder will do
   */
  synchronized String path() {
    if (loaded == null) {
      URL found = OperatorLibrary.class.getResource(resource);
      if (found == null) {
        throw new BackendException(
            "Expected "
                + resource
                + " in luciole-backend-onnx, found none. Build it on Linux x86-64 without"
                + " -Dcuda.skip, or set "
                + OnnxOptions.FORM
                + "="
                + otherForm
                + ".");
      }
      try (InputStream in = found.openStream()) {
        String digest = Sha256.hex(Sha256.start().digest(in.readAllBytes())).substring(0, 16);
        Path folder =
            new NativeFiles(name + "-" + digest, Map.of(file, found))
                .load(candidate -> System.load(candidate.resolve(file).toString()));
        loaded = folder.resolve(file).toString();
      } catch (IOException e) {
        throw new BackendException(
            "Luciole's library "
                + file
                + " cannot be loaded: "
                + e.getMessage()
                + " Or set "
                + OnnxOptions.FORM
                + "="
                + otherForm
                + ", which does without it.",
            e);
      }
    }
    return loaded;
  }
}
