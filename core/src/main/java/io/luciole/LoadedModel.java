package io.luciole;

import io.luciole.model.ModelDescription;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendProvider;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A model that is ready to run: its files, its tokenizer, and an open backend with a token budget
 * on each device.
 *
 * @param identity how the files were before they were read
 * @param outputs the outputs of a text whose options name none
 * @param options those of the backend that vectors depend on, without defaults
 * @param devices at least one
 */
record LoadedModel(
    ModelFiles files,
    ModelIdentity identity,
    TextTokenizer tokenizer,
    Set<Output> outputs,
    SortedMap<String, String> options,
    List<OpenDevice> devices) {
  /**
   * On CPUs larger batches are no faster, and slower where their intermediate values leave the
   * processor's cache (docs/performance.md); and a query waits for the batch before it.
   */
  private static final int CPU_TOKEN_BUDGET = 512;

  private static final int ACCELERATOR_TOKEN_BUDGET = 32768;

  private static final String CALIBRATION_TEXT =
      "Fireflies find each other in the dark by the rhythm of their light; every kind has its"
          + " own, and answers it.";

  /**
   * A device with an open backend.
   *
   * @param opener opens the backend again; throws if the model's files have changed
   * @param tokenBudget the largest number of tokens in a batch, padding included
   */
  record OpenDevice(Backend backend, Supplier<Backend> opener, int tokenBudget) {}

  /**
   * What the user asked for about the token budget.
   *
   * @param set the budget, or 0 for none
   * @param calibrate whether to measure it if none was set and none was measured before
   */
  record Budget(int set, boolean calibrate) {}

  /**
   * Opens a model on devices.
   *
   * @param configs one for each device; all ask for the same outputs
   * @throws BackendException if a device cannot be used, or the model lacks an output
   * @throws ModelException if the tokenizer is another model's, the modules behind pooling do not
   *     fit the backend's vectors, or the files change meanwhile
   */
  static LoadedModel open(
      ModelFiles files, BackendProvider provider, List<BackendConfig> configs, Budget budget) {
    ModelIdentity identity = new ModelIdentity(files);
    TextTokenizer tokenizer = TextTokenizer.open(files);
    List<OpenDevice> devices = new ArrayList<>();
    try {
      Set<Output> outputs = Set.of();
      for (BackendConfig config : configs) {
        Supplier<Backend> opener = () -> reopen(files, identity, provider, config);
        Backend backend = provider.open(files, config);
        devices.add(new OpenDevice(backend, opener, 0));
        VocabularyCheck.of(files, backend.vocabulary()).check(canary(files, tokenizer));
        outputs = defaultOutputs(files, backend.info(), config.outputs());
        files.description().dense().outputs(backend.info().dimension()); // else it is refused
        int tokens = tokens(files, backend, outputs, tokenizer, budget);
        devices.set(devices.size() - 1, new OpenDevice(backend, opener, tokens));
      }
      identity.requireUnchangedSoFar();
      return new LoadedModel(
          files,
          identity,
          tokenizer,
          outputs,
          BackendOptions.ofVectors(provider, configs.get(0)),
          List.copyOf(devices));
    } catch (Throwable t) {
      close(tokenizer, devices, t);
      throw t;
    }
  }

  /** Opens a backend again, unless the files have changed before or while it reads them. */
  private static Backend reopen(
      ModelFiles files, ModelIdentity identity, BackendProvider provider, BackendConfig config) {
    identity.requireUnchanged();
    Backend backend = provider.open(files, config);
    try {
      identity.requireUnchanged();
      return backend;
    } catch (Throwable t) {
      close(backend, t);
      throw t;
    }
  }

  /** The budget that was set, or else measured before or now, or else the device's default. */
  private static int tokens(
      ModelFiles files,
      Backend backend,
      Set<Output> outputs,
      TextTokenizer tokenizer,
      Budget budget) {
    if (budget.set > 0) {
      return budget.set;
    }
    OptionalInt stored = Calibration.stored(files, backend.info(), outputs);
    if (stored.isPresent()) {
      return stored.getAsInt();
    }
    if (budget.calibrate) {
      int[] sample = tokenizer.tokenize(CALIBRATION_TEXT, Role.PASSAGE).ids();
      int found = new Calibration(backend, outputs, sample, System::nanoTime).measure();
      Calibration.store(files, backend.info(), outputs, found);
      return found;
    }
    return backend.info().device().isAccelerator() ? ACCELERATOR_TOKEN_BUDGET : CPU_TOKEN_BUDGET;
  }

  private static Set<Output> defaultOutputs(
      ModelFiles files, BackendInfo info, Set<Output> outputs) {
    if (outputs.isEmpty()) {
      Set<Output> all = EnumSet.copyOf(info.outputs());
      if (all.size() > 1) {
        all.remove(Output.COLBERT);
      }
      return Set.copyOf(all);
    }
    if (!info.outputs().containsAll(outputs)) {
      throw new BackendException(
          "The model "
              + files.name()
              + " gives "
              + info.outputs()
              + ", not "
              + outputs
              + ". A model with sparse and ColBERT vectors is BAAI/bge-m3.");
    }
    return Set.copyOf(outputs);
  }

  /**
   * The tokens of the shortest text there is.
   *
   * @throws ModelException if it has none, and the tokenizer adds no special ones
   */
  static TokenizedText canary(ModelFiles files, TextTokenizer tokenizer) {
    TokenizedText tokens = tokenizer.tokenize("a", Role.PASSAGE);
    if (tokens.length() == 0) {
      throw new ModelException(
          "Expected tokens for the text \"a\", found none by "
              + files.tokenizer()
              + ", which has no token for what it does not know and adds no special ones. Copy"
              + " tokenizer.json from the model's page.");
    }
    return tokens;
  }

  /** Creates a pipeline for this model and starts it. */
  Pipeline start(
      EngineSettings settings, List<EngineListener> listeners, @Nullable EmbeddingCache cache) {
    BackendInfo info = info();
    ModelDescription description = files.description();
    VocabularyCheck vocabulary = VocabularyCheck.of(files, devices.get(0).backend.vocabulary());
    Pipeline pipeline =
        new Pipeline(
            TextTruncation.tokenizer(tokenizer, description, vocabulary),
            description.maxTokens(),
            info.pads(),
            settings,
            new EngineMetrics(listeners),
            cache,
            cache == null
                ? null
                : new CacheKeys(
                    identity.fingerprint(info.dimension(), info.precision()),
                    description,
                    info,
                    options),
            System::nanoTime);
    int[] canary = canary(files, tokenizer).ids();
    pipeline.start(devices.stream().map(d -> pipeline.worker(d, description, canary)).toList());
    return pipeline;
  }

  /**
   * What the first backend is and can do, with the dimension of the engine's dense vectors; all
   * come from the same provider.
   */
  BackendInfo info() {
    BackendInfo info = devices.get(0).backend.info();
    return info.withDimension(files.description().dense().outputs(info.dimension()));
  }

  int largestBudget() {
    return devices.stream().mapToInt(OpenDevice::tokenBudget).max().orElseThrow();
  }

  long sumOfBudgets() {
    return devices.stream().mapToLong(OpenDevice::tokenBudget).sum();
  }

  /**
   * Closes the tokenizer and the backends, since no engine could be made of them.
   *
   * @param why the reason, to which is added what fails meanwhile
   */
  void close(Throwable why) {
    close(tokenizer, devices, why);
  }

  private static void close(TextTokenizer tokenizer, List<OpenDevice> devices, Throwable why) {
    close(tokenizer, why);
    devices.forEach(d -> close(d.backend, why));
  }

  private static void close(AutoCloseable open, Throwable why) {
    try {
      open.close();
    } catch (Throwable t) {
      why.addSuppressed(t);
    }
  }
}
