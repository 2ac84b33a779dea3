package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.TokenPooling;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Configures and opens an {@link EmbeddingEngine}. Starts from the settings of a {@link
 * LucioleConfig}; each method replaces one of them. Not for use by several threads at once.
 */
public final class EngineBuilder {
  private static final Logger log = LoggerFactory.getLogger(EngineBuilder.class);

  /** What was warned of in this process, so that it is not repeated for each engine. */
  private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();

  private ModelSource model;
  private final LucioleConfig config;
  private final Map<String, String> options = new TreeMap<>();
  private Optional<String> backend;
  private Optional<BackendProvider> provider = Optional.empty();
  private List<Device> devices;
  private PrecisionChoice precision;
  private Set<Output> outputs;
  private int threads;
  private int maxLength;
  private Truncation truncation;
  private final ModelOverrides overrides;
  private int tokenBudget;
  private final EngineSettings.Draft settings;
  private final List<EngineListener> listeners = new ArrayList<>();
  private boolean calibrate;
  private @Nullable EmbeddingCache cache;

  EngineBuilder(LucioleConfig config) {
    this.config = requireNonNull(config, "config");
    warnOfUnknown(config);
    model = ModelSource.parse(config.get(EngineKeys.MODEL));
    backend = config.get(EngineKeys.BACKEND);
    devices = config.get(EngineKeys.DEVICE).orElse(List.of());
    precision = config.get(EngineKeys.PRECISION).orElse(PrecisionChoice.AUTO);
    outputs = config.get(EngineKeys.OUTPUTS).orElse(Set.of());
    threads = config.get(EngineKeys.THREADS).orElse(0);
    maxLength = config.get(EngineKeys.MAX_LENGTH).orElse(0);
    truncation = config.get(EngineKeys.TRUNCATION);
    overrides = new ModelOverrides(config);
    tokenBudget = config.get(EngineKeys.TOKEN_BUDGET).orElse(0);
    calibrate = config.get(EngineKeys.CALIBRATE);
    settings = new EngineSettings.Draft(config);
  }

  private static void warnOfUnknown(LucioleConfig config) {
    for (String unknown : config.unknownProperties()) {
      if (WARNED.add(unknown)) {
        log.warn("{} It has no effect.", unknown);
      }
    }
  }

  /**
   * Sets the model. The default is {@code starter}.
   *
   * @param model an alias, a folder or a hub name
   * @return this builder
   */
  public EngineBuilder model(String model) {
    return model(ModelSource.parse(model));
  }

  /**
   * Sets the model.
   *
   * @param model where its files are
   * @return this builder
   */
  public EngineBuilder model(ModelSource model) {
    this.model = requireNonNull(model, "model");
    return this;
  }

  /**
   * Sets the backend. By default {@link Backends#select} chooses one.
   *
   * @param name its name, such as {@code onnx}
   * @return this builder
   */
  public EngineBuilder backend(String name) {
    this.backend = Optional.of(name);
    return this;
  }

  /**
   * Sets a backend that is not on the class path as a service: an application's own, or a test's.
   *
   * @param provider opens the backend
   * @return this builder
   */
  public EngineBuilder backend(BackendProvider provider) {
    this.provider = Optional.of(provider);
    return this;
  }

  /**
   * Sets one of the backend's own settings, such as {@code luciole.onnx.runs}, for this engine;
   * docs/settings.md lists them. {@link #open} refuses what the backend does not have.
   *
   * @param name the setting's full name
   * @param value the value as it would be written in a properties file
   * @return this builder
   */
  public EngineBuilder option(String name, String value) {
    options.put(requireNonNull(name, "name"), requireNonNull(value, "value"));
    return this;
  }

  /**
   * Sets the devices, which all take texts from one queue. The default is the backend's best
   * device.
   *
   * @param device one or several: {@code cpu}, {@code cuda:0}, {@code cuda:0,cuda:1}
   * @return this builder
   */
  public EngineBuilder device(String device) {
    this.devices = EngineKeys.parseDevices(device);
    return this;
  }

  /**
   * Sets the devices, which all take texts from one queue.
   *
   * @param devices at least one, all different
   * @return this builder
   */
  public EngineBuilder devices(List<Device> devices) {
    this.devices = List.copyOf(devices);
    if (devices.isEmpty() || devices.stream().distinct().count() < devices.size()) {
      throw new IllegalArgumentException("expected different devices, got " + devices);
    }
    return this;
  }

  /**
   * Sets the arithmetic. The default is fp32 on CPU and fp16 on CUDA.
   *
   * @param precision the arithmetic
   * @return this builder
   */
  public EngineBuilder precision(Precision precision) {
    return precision(PrecisionChoice.of(precision));
  }

  /**
   * Sets how the arithmetic is chosen.
   *
   * @param choice a policy, or a precision by name
   * @return this builder
   */
  public EngineBuilder precision(PrecisionChoice choice) {
    this.precision = requireNonNull(choice, "choice");
    return this;
  }

  /**
   * Sets the outputs of a text whose options name none. The default is dense, and sparse if the
   * model has it.
   *
   * @param first an output
   * @param more further outputs
   * @return this builder
   */
  public EngineBuilder outputs(Output first, Output... more) {
    return outputs(EnumSet.of(first, more));
  }

  /**
   * Sets the outputs of a text whose options name none, as {@link #outputs(Output, Output...)}.
   *
   * @param outputs the outputs; empty for the default
   * @return this builder
   */
  public EngineBuilder outputs(Set<Output> outputs) {
    this.outputs = Set.copyOf(outputs);
    return this;
  }

  /**
   * Sets the number of the backend's threads on the CPU. By default the backend chooses.
   *
   * @param threads at least 1
   * @return this builder
   */
  public EngineBuilder threads(int threads) {
    this.threads = EngineSettings.atLeastOne(threads);
    return this;
  }

  /**
   * Sets how the states of a text's tokens become its dense vector, in place of what the model's
   * files say. A model that computes pooled vectors itself is then refused.
   *
   * @param pooling the rule, such as {@code TokenPooling.of(Pooling.MEAN)}
   * @return this builder
   */
  public EngineBuilder pooling(TokenPooling pooling) {
    overrides.pooling = Optional.of(pooling);
    return this;
  }

  /**
   * Sets whether dense vectors are scaled to Euclidean length 1, in place of what the model's files
   * say.
   *
   * @param normalize whether they are
   * @return this builder
   */
  public EngineBuilder normalize(boolean normalize) {
    overrides.normalize = Optional.of(normalize);
    return this;
  }

  /**
   * Sets how many components of a dense vector are kept, the first ones, for models that were
   * trained for it (Matryoshka). If the model's vectors have length 1, what is kept is scaled to
   * that again. Sparse and ColBERT vectors stay as they are. {@link #open} refuses more than the
   * model has.
   *
   * @param dimensions at least 1
   * @return this builder
   */
  public EngineBuilder dimensions(int dimensions) {
    overrides.dimensions = Optional.of(EngineSettings.atLeastOne(dimensions));
    return this;
  }

  /**
   * Sets what is put before the texts of a role, in place of what the model's files say.
   *
   * @param role the role
   * @param prompt the prompt; empty for none
   * @return this builder
   */
  public EngineBuilder prompt(Role role, String prompt) {
    overrides.prompts.put(requireNonNull(role, "role"), requireNonNull(prompt, "prompt"));
    return this;
  }

  /**
   * Sets which of the prompts that {@code config_sentence_transformers.json} names is put before
   * the texts of a role. {@link #open} refuses a name that is not there.
   *
   * @param role the role
   * @param name the prompt's name
   * @return this builder
   */
  public EngineBuilder promptName(Role role, String name) {
    overrides.prompts.remove(requireNonNull(role, "role"));
    overrides.promptNames.put(role, requireNonNull(name, "name"));
    return this;
  }

  /**
   * Sets the largest number of tokens in a text, special ones included. The default is the model's
   * limit.
   *
   * @param tokens at least 1
   * @return this builder
   */
  public EngineBuilder maxLength(int tokens) {
    this.maxLength = EngineSettings.atLeastOne(tokens);
    return this;
  }

  /**
   * Sets what happens to a text with more tokens. By default its end is cut off.
   *
   * @param truncation the rule
   * @return this builder
   */
  public EngineBuilder truncation(Truncation truncation) {
    this.truncation = requireNonNull(truncation, "truncation");
    return this;
  }

  /**
   * Sets the largest number of tokens in a batch, padding included. A longer text runs alone.
   *
   * @param tokens at least 1
   * @return this builder
   */
  public EngineBuilder tokenBudget(int tokens) {
    this.tokenBudget = EngineSettings.atLeastOne(tokens);
    return this;
  }

  /**
   * Sets the number of threads that tokenise. The default is half the number of processors.
   *
   * @param threads at least 1
   * @return this builder
   */
  public EngineBuilder tokenizerThreads(int threads) {
    settings.tokenizerThreads = EngineSettings.atLeastOne(threads);
    return this;
  }

  /**
   * Sets the largest number of tokens that may wait in each lane, tokenised or not. A waiting text
   * takes about 300 bytes of memory, and 8 for each of its tokens. The default follows the largest
   * heap ({@link Runtime#maxMemory}), of which each lane may take an eighth: one token for every
   * 128 bytes of the heap, up to 4 million, and one text for every 5120; a text that is longer than
   * the model takes counts in its whole length until it is tokenised. A number that is set here
   * counts alone, for what the model takes, and texts are not counted.
   *
   * @param tokens at least 1
   * @return this builder
   */
  public EngineBuilder maxWaitingTokens(int tokens) {
    settings.maxWaitingTokens = Optional.of(EngineSettings.atLeastOne(tokens));
    return this;
  }

  /**
   * Sets what {@link EmbeddingEngine#embed} does while more tokens wait. By default it blocks.
   *
   * @param overload the rule
   * @return this builder
   */
  public EngineBuilder overload(Overload overload) {
    settings.overload = requireNonNull(overload, "overload");
    return this;
  }

  /**
   * Sets how long a free device waits for a full batch. By default it does not wait, which is best
   * for latency and, under load, for throughput too.
   *
   * @param wait the longest wait, 0 or more
   * @return this builder
   */
  public EngineBuilder maxWait(Duration wait) {
    settings.maxWait = EngineSettings.notNegative(wait);
    return this;
  }

  /**
   * Sets how long a batch may take. After that its device counts as lost, and its texts fail with
   * {@link DeviceLostException}. The default is 2 minutes on an accelerator and 15 minutes on the
   * CPU.
   *
   * @param timeout the longest run, 0 or more
   * @return this builder
   */
  public EngineBuilder batchTimeout(Duration timeout) {
    settings.batchTimeout = Optional.of(EngineSettings.notNegative(timeout));
    return this;
  }

  /**
   * Sets how long {@link EmbeddingEngine#close()} computes submitted texts. The default is a
   * minute.
   *
   * @param timeout the limit, 0 or more
   * @return this builder
   */
  public EngineBuilder closeTimeout(Duration timeout) {
    settings.closeTimeout = EngineSettings.notNegative(timeout);
    return this;
  }

  /**
   * Sets the delay before a lost device is opened again. It doubles with each failure, from a
   * millisecond at the least up to a minute. The default is a second.
   *
   * @param delay the first delay, 0 or more
   * @return this builder
   */
  public EngineBuilder reopenDelay(Duration delay) {
    settings.reopenDelay = EngineSettings.notNegative(delay);
    return this;
  }

  /**
   * Sets whether {@link #open} measures the token budget, which takes seconds, if none is set and
   * none was measured before for this model, backend and device. The result is kept in Luciole's
   * cache folder and used from then on, even without this setting. The default is false.
   *
   * @param calibrate whether to measure
   * @return this builder
   */
  public EngineBuilder calibrate(boolean calibrate) {
    this.calibrate = calibrate;
    return this;
  }

  /**
   * Sets a cache, so that the same text is not computed twice. With a cache, {@link #open} reads
   * the model's files for their fingerprint. By default there is none.
   *
   * @param cache keeps embeddings; the engine does not close it
   * @return this builder
   */
  public EngineBuilder cache(EmbeddingCache cache) {
    this.cache = requireNonNull(cache, "cache");
    return this;
  }

  /**
   * Adds a listener for texts, batches and the health of the devices.
   *
   * @param listener receives the events
   * @return this builder
   */
  public EngineBuilder listener(EngineListener listener) {
    listeners.add(requireNonNull(listener, "listener"));
    return this;
  }

  /** One that is named is asked in any case, since it says best what it does not read. */
  private BackendProvider choose(Backends backends, ModelFiles files) {
    Backends possible = backend.isPresent() ? backends : backends.reading(files);
    return possible.select(backend, devices.stream().findFirst());
  }

  /**
   * Opens the engine: finds the model, chooses the backend and loads the weights.
   *
   * @return an engine that is ready; close it after use
   * @throws io.luciole.model.ModelException if the model is missing or its files are wrong
   * @throws ConfigException if the backend has no such {@link #option}, or not of that value
   * @throws BackendException if the backend or device cannot be used
   */
  public EmbeddingEngine open() {
    Backends backends = backends();
    return open(overrides.applyTo(resolve(backends)), backends, outputs);
  }

  /** The backends to choose from. */
  Backends backends() {
    return provider.map(Backends::only).orElseGet(Backends::find);
  }

  /** The model's files, with the limit that was set. */
  ModelFiles resolve(Backends backends) {
    ModelFiles files = model.resolve(backends.weightFormats());
    return maxLength > 0 ? files.withMaxTokens(maxLength) : files;
  }

  /** Opens an engine over files that were resolved, with these outputs for those that were set. */
  EmbeddingEngine open(ModelFiles files, Backends backends, Set<Output> wanted) {
    BackendProvider chosen = provider.isPresent() ? provider.get() : choose(backends, files);
    List<Device> where = devices;
    if (where.isEmpty()) {
      where = List.of(chosen.probe().devices().stream().findFirst().orElse(Device.CPU));
    }
    Map<String, String> own = BackendOptions.of(chosen, config, options);
    LoadedModel loaded =
        LoadedModel.open(
            files,
            chosen,
            where.stream()
                .map(
                    d -> new BackendConfig(d, precision.on(chosen, files, d), threads, wanted, own))
                .toList(),
            new LoadedModel.Budget(tokenBudget, calibrate));
    try {
      return new EmbeddingEngine(loaded, truncation, settings.on(where.get(0)), listeners, cache);
    } catch (Throwable t) {
      loaded.close(t);
      throw t;
    }
  }
}
