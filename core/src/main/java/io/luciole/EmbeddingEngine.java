package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelFingerprint;
import io.luciole.model.ModelSource;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
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
 * <p>Threads: every method may be called from any thread. Tokenising runs on its own threads, the
 * model on one thread, and dependents of a future on the thread that decodes results: give those
 * that take long an executor of their own ({@code thenApplyAsync}).
 */
public final class EmbeddingEngine implements AutoCloseable {
  private final ModelFiles model;
  private final BackendInfo info;
  private final Set<Output> outputs;
  private final TextTokenizer tokenizer;
  private final Backend backend;
  private final ExecutorService tokenizing;
  private final BatchLoop loop;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile @Nullable ModelFingerprint fingerprint;

  private EmbeddingEngine(
      ModelFiles model,
      Backend backend,
      TextTokenizer tokenizer,
      Set<Output> outputs,
      int tokenBudget,
      int tokenizerThreads) {
    this.model = model;
    this.backend = backend;
    this.info = backend.info();
    this.tokenizer = tokenizer;
    this.outputs = outputs;
    this.tokenizing = Executors.newFixedThreadPool(tokenizerThreads, threads("luciole-tokenizer"));
    this.loop =
        new BatchLoop(backend, new EmbeddingDecoder(model.description(), info), tokenBudget);
  }

  private static ThreadFactory threads(String name) {
    return Thread.ofPlatform().name(name + "-", 0).daemon().factory();
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
   * Embeds a text. Never blocks.
   *
   * @return a future that completes with the embedding, or fails with {@link BackendException},
   *     {@link NotFiniteException}, {@link EngineClosedException} or {@link
   *     java.util.concurrent.TimeoutException}. Cancelling it drops the text if it still waits.
   * @throws IllegalArgumentException if the model has none of an output that is asked for
   * @throws EngineClosedException if the engine is closed
   */
  public CompletableFuture<Embedding> embed(String text, EmbedOptions options) {
    requireNonNull(text, "text");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    if (closed.get()) {
      throw new EngineClosedException("The engine is closed; open another.");
    }
    BatchLoop.Request request = new BatchLoop.Request(wanted, options);
    tokenizing.execute(() -> tokenize(text, options.role(), request));
    return request.future();
  }

  /**
   * Embeds texts and waits for all of them.
   *
   * @return embeddings in the order of the texts
   * @throws LucioleException the failure of the first text that failed, after all have completed
   */
  public List<Embedding> embedAll(Collection<String> texts, EmbedOptions options) {
    List<CompletableFuture<Embedding>> futures = new ArrayList<>(texts.size());
    for (String text : texts) {
      futures.add(embed(text, options));
    }
    CompletableFuture<?> all = CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new));
    try {
      all.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof LucioleException cause) {
        cause.addSuppressed(new LucioleException("embedAll of " + texts.size() + " texts"));
        throw cause;
      }
      throw new LucioleException("A text could not be embedded: " + e.getCause(), e);
    }
    return futures.stream().map(CompletableFuture::join).toList();
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

  private void tokenize(String text, Role role, BatchLoop.Request request) {
    try {
      if (!request.future().isDone()) {
        request.tokenized(tokenizer.tokenize(text, role));
        loop.add(request);
      }
    } catch (Throwable t) {
      request.future().completeExceptionally(t);
    }
  }

  /** Tokens of a text as the model would see it, its role's prompt and special tokens included. */
  public TokenizedText tokenize(String text, Role role) {
    return tokenizer.tokenize(text, role);
  }

  /** The string of one token id, for showing which tokens of a sparse vector weigh what. */
  public String decodeToken(int tokenId) {
    return tokenizer.decode(tokenId);
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

  /**
   * Refuses new texts, finishes those that were submitted and gives everything back. Blocks until
   * then. Closing twice does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    tokenizing.close();
    loop.close();
    backend.close();
    tokenizer.close();
  }

  /** Configures and opens an engine. Not for use by several threads. */
  public static final class Builder {
    /** On two CPU cores throughput is flat from here on; accelerators want more. */
    private static final int DEFAULT_CPU_TOKEN_BUDGET = 4096;

    private static final int DEFAULT_ACCELERATOR_TOKEN_BUDGET = 32768;

    private ModelSource model;
    private @Nullable String backend;
    private @Nullable BackendProvider provider;
    private @Nullable Device device;
    private @Nullable Precision precision;
    private Set<Output> outputs;
    private int threads;
    private int maxLength;
    private int tokenBudget;
    private int tokenizerThreads;

    private Builder(LucioleConfig config) {
      model = ModelSource.parse(config.get(LucioleConfig.Key.MODEL).orElse(ModelSource.STARTER));
      backend = config.get(LucioleConfig.Key.BACKEND).orElse(null);
      device = config.get(LucioleConfig.Key.DEVICE).map(Device::parse).orElse(null);
      precision = config.get(LucioleConfig.Key.PRECISION).map(Precision::parse).orElse(null);
      outputs =
          config.get(LucioleConfig.Key.OUTPUTS).map(LucioleConfig::parseOutputs).orElse(Set.of());
      threads = number(config, LucioleConfig.Key.THREADS, 0);
      maxLength = number(config, LucioleConfig.Key.MAX_LENGTH, 0);
      tokenBudget = number(config, LucioleConfig.Key.TOKEN_BUDGET, 0);
      tokenizerThreads =
          number(
              config,
              LucioleConfig.Key.TOKENIZER_THREADS,
              Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    }

    private static int number(LucioleConfig config, LucioleConfig.Key key, int otherwise) {
      return config.get(key).map(LucioleConfig::positive).orElse(otherwise);
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
      this.backend = requireNonNull(name, "name");
      return this;
    }

    /** A backend that is not looked up: an application's own, or a test's. */
    public Builder backend(BackendProvider provider) {
      this.provider = requireNonNull(provider, "provider");
      return this;
    }

    /** The device, {@code cpu} or {@code cuda:0}; by default the backend's best. */
    public Builder device(String device) {
      this.device = Device.parse(device);
      return this;
    }

    /** The arithmetic; by default fp32 on CPU, fp16 on CUDA. */
    public Builder precision(Precision precision) {
      this.precision = requireNonNull(precision, "precision");
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
      this.threads = LucioleConfig.positive(Integer.toString(threads));
      return this;
    }

    /** Most tokens of a text, special ones included; by default the model's limit. */
    public Builder maxLength(int tokens) {
      this.maxLength = LucioleConfig.positive(Integer.toString(tokens));
      return this;
    }

    /** Most tokens of a batch, padding included. A longer text goes alone. */
    public Builder tokenBudget(int tokens) {
      this.tokenBudget = LucioleConfig.positive(Integer.toString(tokens));
      return this;
    }

    /** Threads that tokenise; by default half the processors. */
    public Builder tokenizerThreads(int threads) {
      this.tokenizerThreads = LucioleConfig.positive(Integer.toString(threads));
      return this;
    }

    /**
     * Opens the engine: resolves the model, chooses the backend, loads the weights.
     *
     * @throws io.luciole.model.ModelException if there is no such model, or not as it must be
     * @throws BackendException if the backend or device cannot be used
     */
    public EmbeddingEngine open() {
      ModelFiles files = model.resolve();
      if (maxLength > 0) {
        files = files.withMaxTokens(maxLength);
      }
      BackendProvider chosen =
          provider != null ? provider : Backends.find().select(backend, device);
      Device where = device;
      if (where == null) {
        where = chosen.probe().devices().stream().findFirst().orElse(Device.CPU);
      }
      TextTokenizer tokenizer = TextTokenizer.open(files);
      Backend opened = null;
      try {
        opened = chosen.open(files, new BackendConfig(where, precision, threads, outputs));
        Set<Output> usual = usualOutputs(files, opened.info());
        int budget = tokenBudget;
        if (budget == 0) {
          budget =
              where.isAccelerator() ? DEFAULT_ACCELERATOR_TOKEN_BUDGET : DEFAULT_CPU_TOKEN_BUDGET;
        }
        return new EmbeddingEngine(files, opened, tokenizer, usual, budget, tokenizerThreads);
      } catch (Throwable t) {
        tokenizer.close();
        if (opened != null) {
          opened.close();
        }
        throw t;
      }
    }

    private Set<Output> usualOutputs(ModelFiles files, BackendInfo info) {
      if (outputs.isEmpty()) {
        Set<Output> usual = EnumSet.copyOf(info.outputs());
        if (usual.size() > 1) {
          usual.remove(Output.COLBERT);
        }
        return Set.copyOf(usual);
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
  }
}
