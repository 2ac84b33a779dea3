package io.luciole.cli;

import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineKeys;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.PrecisionChoice;
import io.luciole.Role;
import io.luciole.Truncation;
import io.luciole.lucene.IndexModel;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.TokenPooling;
import io.luciole.spi.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
          "Arithmetic: fp32, fp16, bf16, int8 or fp8, or auto (fp32 on CPU, fp16 on CUDA; the"
              + " default), exact (fp32) or fast.")
  private @Nullable PrecisionChoice precision;

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

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description = "Most tokens of a batch, padding included.")
  private @Nullable Integer batchTokens;

  @Option(
      names = "--pooling",
      paramLabel = "NAMES",
      converter = PoolingConverter.class,
      description =
          "How token states become a dense vector, in place of what the model's files say: cls,"
              + " mean, lasttoken, max, weightedmean or mean_sqrt_len_tokens, or several with"
              + " commas between.")
  private @Nullable TokenPooling pooling;

  @Option(
      names = "--normalize",
      paramLabel = "true|false",
      arity = "1",
      description = "Whether dense vectors have length 1, in place of what the model's files say.")
  private @Nullable Boolean normalize;

  @Option(
      names = "--dimensions",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description = "Components of a dense vector that are kept, the first ones (Matryoshka).")
  private @Nullable Integer dimensions;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "What is put before each text, in place of what the model's files say.")
  private @Nullable String prompt;

  @Option(
      names = "--prompt-name",
      paramLabel = "NAME",
      description =
          "The name of that prompt, of those in the model's config_sentence_transformers.json.")
  private @Nullable String promptName;

  /** The models that flags name, for commands that can use several. */
  List<String> models() {
    return List.copyOf(models);
  }

  /** The one model that a flag names, or null if none does. */
  private @Nullable String model() {
    if (models.size() > 1) {
      throw wrongUsage(
          "Expected --model once, found it " + models.size() + " times; only serve takes several.");
    }
    return models.isEmpty() ? null : models.get(0);
  }

  /** What to throw where the command line alone shows that it is wrong. */
  ParameterException wrongUsage(String message) {
    return new ParameterException(command.commandLine(), message);
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
    put(flags, EngineKeys.TOKEN_BUDGET, batchTokens);
    put(flags, EngineKeys.POOLING, pooling);
    put(flags, EngineKeys.NORMALIZE, normalize);
    put(flags, EngineKeys.DIMENSIONS, dimensions);
    put(flags, EngineKeys.QUERY_PROMPT, prompt);
    put(flags, EngineKeys.PASSAGE_PROMPT, prompt);
    put(flags, EngineKeys.QUERY_PROMPT_NAME, promptName);
    put(flags, EngineKeys.PASSAGE_PROMPT_NAME, promptName);
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
    return builder(config, model, EnumSet.allOf(Role.class));
  }

  /** The same with a prompt that flags name for texts of some roles alone. */
  private EngineBuilder builder(LucioleConfig config, @Nullable String model, Set<Role> prompted) {
    EngineBuilder builder = EmbeddingEngine.builder(config);
    if (model != null) {
      builder.model(model);
    }
    if (maxLength != null) {
      builder.maxLength(maxLength);
    }
    if (pooling != null) {
      builder.pooling(pooling);
    }
    if (normalize != null) {
      builder.normalize(normalize);
    }
    if (dimensions != null) {
      builder.dimensions(dimensions);
    }
    for (Role role : prompted) {
      if (promptName != null) {
        builder.promptName(role, promptName);
      }
      if (prompt != null) {
        builder.prompt(role, prompt);
      }
    }
    return withFlags(builder);
  }

  /** Lays the flags over a builder that say how any model runs. */
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
    if (batchTokens != null) {
      builder.tokenBudget(batchTokens);
    }
    return builder;
  }

  /**
   * Opens the engine for an index: with the model that a flag names, or else as {@link IndexModel}
   * chooses.
   *
   * @param embedded the roles of the texts that the command embeds, for the prompt of a flag: a
   *     search must not change the passages' prompt, which the index was made with
   */
  EmbeddingEngine openForIndex(Path index, LucioleConfig config, Set<Role> embedded) {
    EngineBuilder builder = builder(config, model(), embedded);
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

  /** Reads poolings. */
  static final class PoolingConverter implements ITypeConverter<TokenPooling> {
    @Override
    public TokenPooling convert(String value) {
      return Choice.checked(() -> TokenPooling.parse(value));
    }
  }

  /** Reads a precision. */
  static final class PrecisionConverter implements ITypeConverter<PrecisionChoice> {
    @Override
    public PrecisionChoice convert(String value) {
      return Choice.checked(() -> PrecisionChoice.parse(value));
    }
  }
}
