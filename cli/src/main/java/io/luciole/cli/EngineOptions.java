package io.luciole.cli;

import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineKeys;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.Truncation;
import io.luciole.lucene.IndexModel;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The flags that choose and set up an engine. The configuration holds where no flag is set. */
final class EngineOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description = {
        "The model: starter (a small English one that comes along), a folder, or a hub name such"
            + " as BAAI/bge-m3."
      })
  private List<String> models = new ArrayList<>();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "What runs the model: onnx or djl; see luciole doctor.")
  private @Nullable String backend;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      converter = DeviceConverter.class,
      description = "Where it runs: cpu, cuda:0, …; by default the backend's best.")
  private @Nullable Device device;

  @Option(
      names = "--precision",
      paramLabel = "KIND",
      converter = PrecisionConverter.class,
      description =
          "Arithmetic: fp32, fp16, bf16, int8 or fp8; by default fp32 on CPU, fp16 on CUDA.")
  private @Nullable Precision precision;

  @Option(
      names = "--threads",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description = "Threads of the backend on the CPU.")
  private @Nullable Integer threads;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description =
          "Most tokens of a text; of longer ones see --truncation. By default the model's limit.")
  private @Nullable Integer maxLength;

  @Option(
      names = "--truncation",
      paramLabel = "RULE",
      converter = TruncationConverter.class,
      description =
          "What becomes of longer texts: truncate (the default) cuts off their ends, error refuses"
              + " them, chunk embeds them in pieces and merges those.")
  private @Nullable Truncation truncation;

  /** The models that flags name, for commands that can use several. */
  List<String> models() {
    return List.copyOf(models);
  }

  /** The one model that a flag names, or null if none does. */
  private @Nullable String model() {
    if (models.size() > 1) {
      throw new ParameterException(
          command.commandLine(),
          "Expected --model once, found it " + models.size() + " times; only serve takes several.");
    }
    return models.isEmpty() ? null : models.get(0);
  }

  /** What the flags say, by the settings' names. */
  Map<String, String> flags() {
    Map<String, String> flags = new HashMap<>();
    put(flags, EngineKeys.MODEL, model());
    put(flags, EngineKeys.BACKEND, backend);
    put(flags, EngineKeys.DEVICE, device);
    put(flags, EngineKeys.PRECISION, precision == null ? null : precision.id());
    put(flags, EngineKeys.THREADS, threads);
    put(flags, EngineKeys.MAX_LENGTH, maxLength);
    put(flags, EngineKeys.TRUNCATION, truncation == null ? null : truncation.id());
    return flags;
  }

  private static void put(Map<String, String> flags, Key<?> key, @Nullable Object value) {
    if (value != null) {
      flags.put(key.name(), value.toString());
    }
  }

  /** The files of the model that flags and configuration name. */
  ModelFiles modelFiles(LucioleConfig config) {
    String named = model();
    return ModelSource.parse(named != null ? named : config.get(EngineKeys.MODEL)).resolve();
  }

  /** A builder that starts from the configuration and has the flags laid over it. */
  EngineBuilder builder(LucioleConfig config) {
    return builder(config, model());
  }

  /** The same for a model of its own, or for the configuration's if there is none. */
  EngineBuilder builder(LucioleConfig config, @Nullable String model) {
    EngineBuilder builder = EmbeddingEngine.builder(config);
    if (model != null) {
      builder.model(model);
    }
    if (maxLength != null) {
      builder.maxLength(maxLength);
    }
    return withFlags(builder);
  }

  private EngineBuilder withFlags(EngineBuilder builder) {
    if (backend != null) {
      builder.backend(backend);
    }
    if (device != null) {
      builder.device(device.toString());
    }
    if (precision != null) {
      builder.precision(precision);
    }
    if (threads != null) {
      builder.threads(threads);
    }
    if (truncation != null) {
      builder.truncation(truncation);
    }
    return builder;
  }

  /**
   * Opens the engine for an index: with the model that a flag names, or else as {@link IndexModel}
   * chooses.
   */
  EmbeddingEngine openForIndex(Path index, LucioleConfig config) {
    EngineBuilder builder = builder(config);
    if (models.isEmpty()) {
      IndexModel.choose(index, config, "say where it is with --model").ifPresent(builder::model);
    }
    return open(builder);
  }

  /**
   * Opens the engine.
   *
   * @throws ParameterException if the flags ask the impossible of this model
   */
  EmbeddingEngine open(EngineBuilder builder) {
    try {
      return builder.open();
    } catch (IllegalArgumentException e) {
      if (maxLength != null) {
        throw new ParameterException(command.commandLine(), "--max-length: " + e.getMessage(), e);
      }
      throw new CliException(Failures.text(e), e);
    }
  }

  /**
   * Opens a reranker with the flags of the engine but for the model and its limit.
   *
   * @param model names the reranker
   */
  CrossEncoder openReranker(LucioleConfig config, String model) {
    try {
      return CrossEncoder.open(withFlags(EmbeddingEngine.builder(config).model(model)));
    } catch (IllegalArgumentException e) {
      throw new CliException("The reranker " + model + ": " + Failures.text(e), e);
    }
  }

  /** Reads a device. */
  static final class DeviceConverter implements ITypeConverter<Device> {
    @Override
    public Device convert(String value) {
      return Choice.checked(() -> Device.parse(value));
    }
  }

  /** Reads a rule for long texts. */
  static final class TruncationConverter implements ITypeConverter<Truncation> {
    @Override
    public Truncation convert(String value) {
      return Choice.checked(() -> Truncation.parse(value));
    }
  }

  /** Reads a precision. */
  static final class PrecisionConverter implements ITypeConverter<Precision> {
    @Override
    public Precision convert(String value) {
      return Choice.checked(() -> Precision.parse(value));
    }
  }
}
