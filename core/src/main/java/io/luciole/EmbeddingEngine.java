package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.Chunker;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelFingerprint;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Turns texts into embeddings, in batches of whatever texts wait.
 *
 * <pre>{@code
 * try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open()) {
 *   CompletableFuture<Embedding> passage = engine.embed("Fireflies glow.", EmbedOptions.passage());
 *   CompletableFuture<Embedding> query = engine.embed("Which insects glow?", EmbedOptions.query());
 *   double similarity = Scores.dense(query.join(), passage.join());
 * }
 * }</pre>
 *
 * <p>{@link #embed} returns at once; collect the results when you need them. A thousand calls with
 * one text each are as good as one call with a thousand texts, because batches are cut from all
 * waiting texts, by tokens and not by the number of texts. So submit everything first and join
 * afterwards; if you join after each text, there is nothing to batch.
 *
 * <p>Threads: every method may be called from any thread. Texts are tokenised on threads of the
 * engine, except a short text that comes alone ({@link #embed}). Each device has its own threads.
 * Callbacks of the returned futures run on virtual threads that decode results. A callback that
 * takes long delays its neighbours a little and blocks nobody; heavy work belongs on an executor of
 * the application ({@code thenApplyAsync}).
 */
public final class EmbeddingEngine implements AutoCloseable {
  /** The job of all texts without one. */
  private static final Object NO_JOB = "";

  /** How many token budgets a stream of texts has in progress: enough to sort lengths well. */
  private static final int STREAM_BUDGETS = 16;

  /** The bytes of token vectors that a stream has in progress. */
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

  EmbeddingEngine(
      LoadedModel loaded,
      Truncation truncation,
      EngineSettings settings,
      List<EngineListener> listeners,
      @Nullable EmbeddingCache cache) {
    this.model = loaded.files();
    this.info = loaded.info();
    this.tokenizer = loaded.tokenizer();
    this.outputs = loaded.outputs();
    this.truncation = truncation;
    this.tokenBudget = loaded.largestBudget();
    this.streamTokens = STREAM_BUDGETS * loaded.sumOfBudgets();
    this.settings = settings;
    this.pipeline = Pipeline.of(loaded, settings, listeners, cache);
  }

  /**
   * A builder that starts from the configuration of this process, {@link LucioleConfig#load()}.
   *
   * @return a builder
   * @throws ConfigException if the configuration is wrong
   */
  public static EngineBuilder builder() {
    return builder(LucioleConfig.load());
  }

  /**
   * A builder that starts from a given configuration. Settings made on the builder override it.
   *
   * @param config the configuration
   * @return a builder
   */
  public static EngineBuilder builder(LucioleConfig config) {
    return new EngineBuilder(requireNonNull(config, "config"));
  }

  /**
   * Embeds a passage with the engine's own outputs, as {@link #embed(String, EmbedOptions)} does.
   *
   * @param text the text
   * @return a future that completes with the embedding
   */
  public CompletableFuture<Embedding> embed(String text) {
    return embed(text, EmbedOptions.passage());
  }

  /**
   * Embeds a text. Returns at once, unless too many tokens wait in the text's lane ({@link
   * EngineBuilder#maxWaitingTokens}): then it blocks until there is room, or throws, as {@link
   * EngineBuilder#overload} says.
   *
   * <p>The calling thread only queues the text, with one exception: if the engine is empty and has
   * no cache, it tokenises a text of up to 128 characters. This takes about 0.1 ms, as long as
   * waking another thread would. The calling thread never runs the model, cache lookups or
   * callbacks of the returned future.
   *
   * @param text the text
   * @param options how it is embedded
   * @return a future that completes with the embedding, or fails with {@link BackendException},
   *     {@link DeviceLostException}, {@link NotFiniteException}, {@link TextTooLongException},
   *     {@link EngineClosedException} or {@link java.util.concurrent.TimeoutException}. Cancelling
   *     it drops the text if it still waits.
   * @throws IllegalArgumentException if the model cannot compute an output that is asked for
   * @throws EngineClosedException if the engine is closed
   * @throws EngineOverloadedException if too many tokens wait and the engine does not block, or if
   *     the thread was interrupted while it waited
   */
  public CompletableFuture<Embedding> embed(String text, EmbedOptions options) {
    requireNonNull(text, "text");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    return pipeline.submit(text, complete(options), wanted, options.job().orElse(NO_JOB), true);
  }

  /**
   * Embeds a text that is tokenised already; otherwise like {@link #embed(String, EmbedOptions)}.
   * Special tokens around the text are added where they are missing; a prompt is not added. More
   * ids than the model takes are cut off, or refused under {@link Truncation#ERROR}; they are never
   * embedded in chunks. The cache is not used.
   *
   * @param tokenIds ids of this model's tokenizer, copied; the first call reads the tokenizer's
   *     file for their range
   * @param options how the text is embedded
   * @return a future, as for a text
   * @throws IllegalArgumentException if an id is not one of the tokenizer's, or as for a text
   * @throws EngineClosedException if the engine is closed
   * @throws EngineOverloadedException as for a text
   */
  public CompletableFuture<Embedding> embed(int[] tokenIds, EmbedOptions options) {
    requireNonNull(tokenIds, "tokenIds");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    return pipeline.submit(
        tokenizer.frame(tokenIds), complete(options), wanted, options.job().orElse(NO_JOB));
  }

  /**
   * Embeds texts and waits for all of them. Blocks while too many tokens wait, whatever {@link
   * EngineBuilder#overload} says.
   *
   * @param texts the texts
   * @param options how each of them is embedded
   * @return the embeddings in the order of the texts
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
   * Embeds any number of texts in bounded memory. The thread that calls {@code next} reads texts
   * from the iterator and submits them, far enough ahead to keep the device busy. Results come in
   * the order of the texts.
   *
   * <p>{@code next} blocks until its result is there. If a text fails, {@code next} throws that
   * text's {@link LucioleException} in its turn, and the following call goes on with the following
   * text. Once the engine is closed, the finished results come first, and then an {@link
   * EngineClosedException} for each further text. A null text throws {@link NullPointerException}.
   * The returned iterator is not for use by several threads.
   *
   * @param texts the texts
   * @param options how each of them is embedded
   * @return one embedding for each text; if the caller stops early, the submitted texts are
   *     computed and dropped
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
   * Tokenises a text as {@link #embed} does.
   *
   * @param text the text
   * @param role its role, whose prompt is put before it
   * @return the tokens, special ones included, cut off at the model's limit
   * @throws EngineClosedException if the engine is closed
   */
  public TokenizedText tokenize(String text, Role role) {
    return pipeline.unlessClosed(() -> tokenizer.tokenize(text, role));
  }

  /**
   * Estimates how many tokens of a text the model computes, from the text's length alone: one for
   * every four UTF-16 units, at least 1 and at most the model's limit. The engine counts texts by
   * this estimate until they are tokenised. Takes no lock, and may be called by any thread.
   *
   * @param text the text
   * @return the estimate, from 1 to {@link ModelDescription#maxTokens()}
   */
  public int estimateTokens(String text) {
    return Pipeline.estimate(text, description().maxTokens());
  }

  /**
   * A chunker that cuts long passages into chunks that fit the model. After the engine is closed
   * the chunker throws {@link IllegalStateException}.
   *
   * @param maxTokens the largest number of tokens in a chunk, special ones and the passage prompt
   *     included
   * @param overlapTokens the largest number of tokens that a chunk repeats of the previous one
   * @return a chunker over this engine's tokenizer
   * @throws IllegalArgumentException if the model does not allow such chunks, see {@link Chunker}
   * @throws EngineClosedException if the engine is closed
   */
  public Chunker chunker(int maxTokens, int overlapTokens) {
    return pipeline.unlessClosed(
        () -> new Chunker(tokenizer, Role.PASSAGE, maxTokens, overlapTokens));
  }

  /**
   * The string of a token, for showing the tokens of a sparse vector to people.
   *
   * @param tokenId the token's id
   * @return its string; several ids may have the same
   * @throws EngineClosedException if the engine is closed
   */
  public String decodeToken(int tokenId) {
    return pipeline.unlessClosed(() -> tokenizer.decode(tokenId));
  }

  /** {@return what the model's files mean: pooling, prompts, limits} */
  public ModelDescription description() {
    return model.description();
  }

  /** {@return what the backend is and can do} */
  public BackendInfo backend() {
    return info;
  }

  /** {@return the model's name, for people} */
  public String modelName() {
    return model.name();
  }

  /** {@return what happens to a text that is too long, unless its options say otherwise} */
  public Truncation truncation() {
    return truncation;
  }

  /** {@return the outputs of a text, unless its options say otherwise} */
  public Set<Output> outputs() {
    return outputs;
  }

  /**
   * Identifies the model that the vectors come from. The first call reads the model's files; see
   * {@link ModelFiles#fingerprint}.
   *
   * @return the fingerprint
   */
  public ModelFingerprint fingerprint() {
    ModelFingerprint known = fingerprint;
    if (known == null) {
      known = model.fingerprint(info.dimension(), info.precision());
      fingerprint = known;
    }
    return known;
  }

  /** {@return what the engine has done so far and what waits} */
  public EngineStats stats() {
    return pipeline.stats();
  }

  /**
   * The largest number of tokens in a batch, padding included: what was set or measured, or else
   * the default. With several devices it is the largest of theirs.
   *
   * @return the token budget
   */
  public int tokenBudget() {
    return tokenBudget;
  }

  /** {@return whether the engine can work, and which of its devices do} */
  public EngineHealth health() {
    return pipeline.health();
  }

  /**
   * Closes the engine as {@link #close(Duration)} does, within {@link EngineBuilder#closeTimeout}.
   */
  @Override
  public void close() {
    close(settings.closeTimeout());
  }

  /**
   * Closes the engine: rejects new texts, computes the submitted ones for up to a limit, fails the
   * rest with {@link EngineClosedException}, and frees threads, devices and memory. Blocks
   * meanwhile. When it returns every future has completed, except those behind callbacks that do
   * not return, which complete soon after. A batch that is on a device at the limit cannot be
   * stopped: it is abandoned, and the device's memory is freed when it ends. If the calling thread
   * is interrupted, it does not wait for the limit. If meanwhile the last device is lost, the texts
   * fail at once with {@link DeviceLostException}. Closing twice does nothing.
   *
   * @param limit the longest time to compute submitted texts
   */
  public void close(Duration limit) {
    if (pipeline.close(requireNonNull(limit, "limit"))) {
      tokenizer.close();
    }
  }
}
