package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.Chunker;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelFingerprint;
import io.luciole.model.ModelSource;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Turns texts into embeddings, batching whatever waits.
 *
 * <pre>{@code
 * try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open()) {
 *   CompletableFuture<Embedding> passage = engine.embed("Fireflies glow.", EmbedOptions.passage());
 *   CompletableFuture<Embedding> query = engine.embed("Which insects glow?", EmbedOptions.query());
 *   double similarity = Scores.dense(query.join(), passage.join());
 * }
 * }</pre>
 *
 * <p>{@link #embed} returns at once; collect results when you need them. A thousand calls with one
 * text each are as good as one call with a thousand: batches are cut from all that waits, by
 * tokens, never by a number of texts. So submit everything first and join afterwards; joining after
 * each text leaves nothing to batch.
 *
 * <p>Threads: every method may be called from any thread. Tokenising runs on its own threads, but
 * for a short text that comes alone ({@link #embed}); each device on its own, and dependents of a
 * future on virtual threads that decode results. A dependent that takes long delays its neighbours
 * a little and blocks nobody; heavy work belongs on an executor of the application's ({@code
 * thenApplyAsync}).
 */
public final class EmbeddingEngine implements AutoCloseable {
  /** The job of texts that are of no particular one. */
  private static final Object NO_JOB = "";

  /** Budgets of tokens that a stream of texts has under way: enough to sort lengths well. */
  private static final int STREAM_BUDGETS = 16;

  /** Bytes of token vectors that a stream has under way. */
  private static final long STREAM_BYTES = 256L << 20;

  private final ModelFiles model;
  private final BackendInfo info;
  private final Set<Output> outputs;
  private final TextTokenizer tokenizer;
  private final Truncation truncation;
  private final int tokenBudget;
  private final long streamTokens;
  private final EngineSettings settings;
  private final Pipeline pipeline;
  private volatile @Nullable ModelFingerprint fingerprint;

  private EmbeddingEngine(
      OpenedModel opened,
      Truncation truncation,
      EngineSettings settings,
      List<EngineListener> listeners,
      @Nullable EmbeddingCache cache) {
    this.model = opened.files();
    this.info = opened.info();
    this.tokenizer = opened.tokenizer();
    this.outputs = opened.outputs();
    this.truncation = truncation;
    this.tokenBudget = opened.largestBudget();
    this.streamTokens = STREAM_BUDGETS * opened.sumOfBudgets();
    this.settings = settings;
    this.pipeline = Pipeline.of(opened, settings, listeners, cache);
  }

  /**
   * A builder that starts from this process's configuration, {@link LucioleConfig#load()}.
   *
   * @throws ConfigException if that is wrong
   */
  public static Builder builder() {
    return builder(LucioleConfig.load());
  }

  /** A builder that starts from a given configuration. What the builder is told wins over it. */
  public static Builder builder(LucioleConfig config) {
    return new Builder(requireNonNull(config, "config"));
  }

  /** Embeds a passage with the engine's own outputs. */
  public CompletableFuture<Embedding> embed(String text) {
    return embed(text, EmbedOptions.passage());
  }

  /**
   * Embeds a text. Returns at once, unless more tokens wait in the text's lane than may: then it
   * blocks until there is room, or throws, as {@link Builder#overload} says.
   *
   * <p>On the calling thread the text is only queued, with one exception: where nothing else is in
   * the engine, a text of up to 128 characters is tokenised there, which takes about 0.1 ms, since
   * waking another thread for it would make a query wait as long again. The device, the cache and
   * dependents of the future never have the calling thread, and an engine with a cache always
   * tokenises on its own threads.
   *
   * @return a future that completes with the embedding, or fails with {@link BackendException},
   *     {@link DeviceLostException}, {@link NotFiniteException}, {@link TextTooLongException},
   *     {@link EngineClosedException} or {@link java.util.concurrent.TimeoutException}. Cancelling
   *     it drops the text if it still waits.
   * @throws IllegalArgumentException if the model has none of an output that is asked for
   * @throws EngineClosedException if the engine is closed
   * @throws EngineOverloadedException if too much waits and the engine does not block, or the
   *     thread was interrupted while it did
   */
  public CompletableFuture<Embedding> embed(String text, EmbedOptions options) {
    requireNonNull(text, "text");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    return pipeline.submit(text, complete(options), wanted, options.job().orElse(NO_JOB), true);
  }

  /**
   * Embeds what is tokenised already, in every other way like {@link #embed(String, EmbedOptions)}.
   * The ids are those of this model's tokenizer, with or without the special tokens that it puts
   * around a text: where they are missing they are added. No prompt is added. More ids than the
   * model takes are cut off, or refused under {@link Truncation#ERROR}; there are no chunks of ids.
   * Never answered from the cache.
   *
   * @param tokenIds the ids, copied; the first call reads the tokenizer's file for their range
   * @throws IllegalArgumentException if an id is none of the tokenizer's, or as for a text
   */
  public CompletableFuture<Embedding> embed(int[] tokenIds, EmbedOptions options) {
    requireNonNull(tokenIds, "tokenIds");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    return pipeline.submit(
        tokenizer.frame(tokenIds), complete(options), wanted, options.job().orElse(NO_JOB));
  }

  /**
   * Embeds texts and waits for all of them. Blocks while too much waits, whatever {@link
   * Builder#overload} says.
   *
   * @return embeddings in the order of the texts
   * @throws LucioleException the failure of the first text that failed, after all have completed
   */
  public List<Embedding> embedAll(Collection<String> texts, EmbedOptions options) {
    requireNonNull(texts, "texts");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    Object job = options.job().orElseGet(Object::new);
    EmbedOptions each = complete(options);
    List<CompletableFuture<Embedding>> futures = new ArrayList<>(texts.size());
    for (String text : texts) {
      futures.add(pipeline.submit(requireNonNull(text, "text"), each, wanted, job, false));
    }
    CompletableFuture<?> all = CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new));
    try {
      all.join();
    } catch (CompletionException e) {
      throw EmbeddingStream.failure(e);
    }
    return futures.stream().map(CompletableFuture::join).toList();
  }

  /**
   * Embeds texts as they come, however many, in bounded memory: texts are read from the iterator
   * and submitted as far ahead as keeps the device busy, by the thread that calls {@code next}, and
   * results come in the order of the texts.
   *
   * <p>{@code next} blocks until its result is there. If a text fails, {@code next} throws that
   * text's {@link LucioleException} in the text's turn, and the call after it goes on with the text
   * that follows; so once the engine is closed, results that are there come first, and then an
   * {@link EngineClosedException} for each text that follows. Null texts throw {@link
   * NullPointerException}. Not for use by several threads.
   *
   * @return one embedding a text; texts that are never asked for are computed as far as they were
   *     submitted, and that is all
   */
  public Iterator<Embedding> embedAll(Iterator<String> texts, EmbedOptions options) {
    requireNonNull(texts, "texts");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    Object job = options.job().orElseGet(Object::new);
    EmbedOptions each = complete(options);
    long window = streamTokens;
    if (wanted.contains(Output.COLBERT)) {
      // Results are what counts: a vector a token.
      long fits = STREAM_BYTES / (4L * info.colbertDimension());
      window = Math.min(window, Math.max(2L * tokenBudget, fits));
    }
    return new EmbeddingStream(
        texts,
        text -> pipeline.submit(requireNonNull(text, "text"), each, wanted, job, false),
        text -> pipeline.estimate(text, each.truncation().orElse(truncation), wanted),
        window);
  }

  private Set<Output> wanted(EmbedOptions options) {
    if (options.outputs().isEmpty()) {
      return outputs;
    }
    if (!info.outputs().containsAll(options.outputs())) {
      throw new IllegalArgumentException(
          "The model " + model.name() + " gives " + info.outputs() + ", not " + options.outputs());
    }
    return options.outputs();
  }

  private EmbedOptions complete(EmbedOptions options) {
    return options.truncation().isPresent() ? options : options.truncation(truncation);
  }

  /**
   * Tokens of a text as the model would see it, its role's prompt and special tokens included.
   *
   * @throws EngineClosedException if the engine is closed
   */
  public TokenizedText tokenize(String text, Role role) {
    return pipeline.unlessClosed(() -> tokenizer.tokenize(text, role));
  }

  /**
   * Cuts long passages into chunks that the model sees whole. Once the engine is closed it throws
   * {@link IllegalStateException}.
   *
   * @param maxTokens most tokens of a chunk, special ones and the passages' prompt included
   * @param overlapTokens most tokens that a chunk repeats of the one before
   * @throws IllegalArgumentException if the model cannot have such chunks, see {@link Chunker}
   * @throws EngineClosedException if the engine is closed
   */
  public Chunker chunker(int maxTokens, int overlapTokens) {
    return pipeline.unlessClosed(
        () -> new Chunker(tokenizer, Role.PASSAGE, maxTokens, overlapTokens));
  }

  /**
   * The string of one token id, for showing which tokens of a sparse vector weigh what.
   *
   * @throws EngineClosedException if the engine is closed
   */
  public String decodeToken(int tokenId) {
    return pipeline.unlessClosed(() -> tokenizer.decode(tokenId));
  }

  /** What the model's files mean. */
  public ModelDescription description() {
    return model.description();
  }

  /** What the backend is and can do. */
  public BackendInfo backend() {
    return info;
  }

  /** The model's name, for people. */
  public String modelName() {
    return model.name();
  }

  /** What becomes of texts that are too long, if nothing else is asked for. */
  public Truncation truncation() {
    return truncation;
  }

  /** Outputs of a text that asks for none in particular. */
  public Set<Output> outputs() {
    return outputs;
  }

  /**
   * Which model the vectors come from. The first call reads the model's files; see {@link
   * ModelFiles#fingerprint}.
   */
  public ModelFingerprint fingerprint() {
    ModelFingerprint known = fingerprint;
    if (known == null) {
      known = model.fingerprint(info.dimension());
      fingerprint = known;
    }
    return known;
  }

  /** What the engine has done so far and what waits. */
  public EngineStats stats() {
    return pipeline.stats();
  }

  /** Most tokens of a batch, padding included, as set, measured or usual; of the largest device. */
  public int tokenBudget() {
    return tokenBudget;
  }

  /** Whether the engine can work, and which of its devices do. */
  public EngineHealth health() {
    return pipeline.health();
  }

  /** As {@link #close(Duration)}, with the limit of {@link Builder#closeTimeout}. */
  @Override
  public void close() {
    close(settings.closeTimeout());
  }

  /**
   * Refuses new texts, computes those that were submitted for up to a limit, fails the rest with
   * {@link EngineClosedException} and gives everything back. Blocks until then; when it returns,
   * every future has completed, but for those that wait behind dependents that do not return: they
   * complete soon after. A batch that is on a device when the limit is reached cannot be stopped:
   * it is left to itself, and the device's memory is given back when it ends. A thread that is
   * interrupted while it closes does not wait for the limit. Closing twice does nothing.
   */
  public void close(Duration limit) {
    if (pipeline.close(requireNonNull(limit, "limit"))) {
      tokenizer.close();
    }
  }

  /** Configures and opens an engine. Not for use by several threads. */
  public static final class Builder {
    private ModelSource model;
    private final LucioleConfig config;
    private final Map<String, String> options = new TreeMap<>();
    private Optional<String> backend;
    private Optional<BackendProvider> provider = Optional.empty();
    private List<Device> devices;
    private Optional<Precision> precision;
    private Set<Output> outputs;
    private int threads;
    private int maxLength;
    private Truncation truncation;
    private int tokenBudget;
    private final EngineSettings.Draft settings;
    private final List<EngineListener> listeners = new ArrayList<>();
    private boolean calibrate;
    private @Nullable EmbeddingCache cache;

    private Builder(LucioleConfig config) {
      this.config = requireNonNull(config, "config");
      model = ModelSource.parse(config.get(EngineKeys.MODEL));
      backend = config.get(EngineKeys.BACKEND);
      devices = config.get(EngineKeys.DEVICE).orElse(List.of());
      precision = config.get(EngineKeys.PRECISION);
      outputs = config.get(EngineKeys.OUTPUTS).orElse(Set.of());
      threads = config.get(EngineKeys.THREADS).orElse(0);
      maxLength = config.get(EngineKeys.MAX_LENGTH).orElse(0);
      truncation = config.get(EngineKeys.TRUNCATION);
      tokenBudget = config.get(EngineKeys.TOKEN_BUDGET).orElse(0);
      calibrate = config.get(EngineKeys.CALIBRATE);
      settings = new EngineSettings.Draft(config);
    }

    /**
     * The model as a user writes it: an alias, a folder or a hub name. {@code starter} by default.
     */
    public Builder model(String model) {
      return model(ModelSource.parse(model));
    }

    /** The model. */
    public Builder model(ModelSource model) {
      this.model = requireNonNull(model, "model");
      return this;
    }

    /** The backend's name; by default {@link Backends#select} chooses. */
    public Builder backend(String name) {
      this.backend = Optional.of(name);
      return this;
    }

    /** A backend that is not looked up: an application's own, or a test's. */
    public Builder backend(BackendProvider provider) {
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
    public Builder option(String name, String value) {
      options.put(requireNonNull(name, "name"), requireNonNull(value, "value"));
      return this;
    }

    /**
     * The device or devices, {@code cpu}, {@code cuda:0} or {@code cuda:0,cuda:1}; by default the
     * backend's best. All work from one queue.
     */
    public Builder device(String device) {
      this.devices = EngineKeys.parseDevices(device);
      return this;
    }

    /** The devices, different ones; all work from one queue. */
    public Builder devices(List<Device> devices) {
      this.devices = List.copyOf(devices);
      if (devices.isEmpty() || devices.stream().distinct().count() < devices.size()) {
        throw new IllegalArgumentException("expected different devices, got " + devices);
      }
      return this;
    }

    /** The arithmetic; by default fp32 on CPU, fp16 on CUDA. */
    public Builder precision(Precision precision) {
      this.precision = Optional.of(precision);
      return this;
    }

    /** Outputs of a text that asks for none; by default dense, and sparse if the model has it. */
    public Builder outputs(Output first, Output... more) {
      return outputs(EnumSet.of(first, more));
    }

    /** Outputs of a text that asks for none; by default dense, and sparse if the model has it. */
    public Builder outputs(Set<Output> outputs) {
      this.outputs = Set.copyOf(outputs);
      return this;
    }

    /** Threads of the backend on the CPU; by default its own choice. */
    public Builder threads(int threads) {
      this.threads = EngineSettings.atLeastOne(threads);
      return this;
    }

    /** Most tokens of a text, special ones included; by default the model's limit. */
    public Builder maxLength(int tokens) {
      this.maxLength = EngineSettings.atLeastOne(tokens);
      return this;
    }

    /** What becomes of texts with more tokens; by default their ends are cut off. */
    public Builder truncation(Truncation truncation) {
      this.truncation = requireNonNull(truncation, "truncation");
      return this;
    }

    /** Most tokens of a batch, padding included. A longer text goes alone. */
    public Builder tokenBudget(int tokens) {
      this.tokenBudget = EngineSettings.atLeastOne(tokens);
      return this;
    }

    /** Threads that tokenise; by default half the processors. */
    public Builder tokenizerThreads(int threads) {
      settings.tokenizerThreads = EngineSettings.atLeastOne(threads);
      return this;
    }

    /**
     * Most tokens that may wait in each lane, tokenised or not; 4 million by default. Texts that
     * wait cost memory: about 200 bytes each and 4 for each token.
     */
    public Builder maxWaitingTokens(int tokens) {
      settings.maxWaitingTokens = EngineSettings.atLeastOne(tokens);
      return this;
    }

    /** What {@link #embed} does beyond that; by default it blocks. */
    public Builder overload(Overload overload) {
      settings.overload = requireNonNull(overload, "overload");
      return this;
    }

    /**
     * How long a free device waits for a full batch; by default not at all, which is best for
     * latency and, as long as there is enough to do, for throughput.
     */
    public Builder maxWait(Duration wait) {
      settings.maxWait = EngineSettings.notNegative(wait);
      return this;
    }

    /**
     * How long a batch may take before its device is given up and its texts fail with {@link
     * DeviceLostException}; by default 2 minutes on an accelerator, 15 minutes on the CPU.
     */
    public Builder batchTimeout(Duration timeout) {
      settings.batchTimeout = Optional.of(EngineSettings.notNegative(timeout));
      return this;
    }

    /** How long {@link #close()} waits for texts that were submitted; by default a minute. */
    public Builder closeTimeout(Duration timeout) {
      settings.closeTimeout = EngineSettings.notNegative(timeout);
      return this;
    }

    /**
     * How long a lost device rests before it is opened again, doubled with each failure up to a
     * minute; by default a second.
     */
    public Builder reopenDelay(Duration delay) {
      settings.reopenDelay = EngineSettings.notNegative(delay);
      return this;
    }

    /**
     * Whether {@link #open} measures the token budget, which takes seconds, if none is set and none
     * was measured before for this model, backend and device. What was measured is kept in
     * Luciole's cache folder and used from then on, also without this. By default no.
     */
    public Builder calibrate(boolean calibrate) {
      this.calibrate = calibrate;
      return this;
    }

    /**
     * Keeps embeddings, so that texts that come again are not computed again. Opening then reads
     * the model's files for their fingerprint. By default none are kept.
     */
    public Builder cache(EmbeddingCache cache) {
      this.cache = requireNonNull(cache, "cache");
      return this;
    }

    /** Adds a listener that is told of batches and of the health of devices. */
    public Builder listener(EngineListener listener) {
      listeners.add(requireNonNull(listener, "listener"));
      return this;
    }

    /**
     * Opens the engine: resolves the model, chooses the backend, loads the weights.
     *
     * @throws ConfigException if the backend has no such {@link #option}, or not of that value
     * @throws io.luciole.model.ModelException if there is no such model, or not as it must be
     * @throws BackendException if the backend or device cannot be used
     */
    public EmbeddingEngine open() {
      ModelFiles files = model.resolve();
      if (maxLength > 0) {
        files = files.withMaxTokens(maxLength);
      }
      BackendProvider chosen =
          provider.orElseGet(() -> Backends.find().select(backend, devices.stream().findFirst()));
      List<Device> where = devices;
      if (where.isEmpty()) {
        where = List.of(chosen.probe().devices().stream().findFirst().orElse(Device.CPU));
      }
      Map<String, String> own = BackendOptions.of(chosen, config, options);
      OpenedModel opened =
          OpenedModel.open(
              files,
              chosen,
              where.stream()
                  .map(d -> new BackendConfig(d, precision, threads, outputs, own))
                  .toList(),
              new OpenedModel.Budget(tokenBudget, calibrate));
      try {
        return new EmbeddingEngine(opened, truncation, settings.on(where.get(0)), listeners, cache);
      } catch (Throwable t) {
        opened.close();
        throw t;
      }
    }
  }
}
