package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.Chunker;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelFingerprint;
import io.luciole.model.TextToken;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
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
 * engine, except a short one of a caller that waits ({@link #embed}). Each device has its threads.
 * Callbacks of the returned futures run on virtual threads that decode results. A callback that
 * takes long delays its neighbours a little and blocks nobody; heavy work belongs on an executor of
 * the application ({@code thenApplyAsync}).
 *
 * <p>Close an engine after use. One that is collected without having been closed logs a warning
 * with the place where it was opened, computes what was submitted, and frees its threads and
 * devices.
 */
public final class EmbeddingEngine implements AutoCloseable {
  /** The job of all texts without one. */
  static final Object NO_JOB = "";

  /** How many token budgets a stream of texts has in progress: enough to sort lengths well. */
  private static final int STREAM_BUDGETS = 16;

  private final ModelFiles model;
  private final ModelIdentity identity;
  private final BackendInfo info;
  private final SortedMap<String, String> backendOptions;
  private final Set<Output> outputs;
  private final TextTokenizer tokenizer;
  private final Truncation truncation;
  private final int tokenBudget;
  private final long streamTokens;
  private final EngineSettings settings;
  private final Pipeline pipeline;
  private final LeakGuard leakGuard;

  EmbeddingEngine(
      LoadedModel loaded,
      Truncation truncation,
      EngineSettings settings,
      List<EngineListener> listeners,
      @Nullable EmbeddingCache cache) {
    this.model = loaded.files();
    this.identity = loaded.identity();
    this.info = loaded.info();
    this.backendOptions = loaded.options();
    this.tokenizer = loaded.tokenizer();
    this.outputs = loaded.outputs();
    this.truncation = truncation;
    this.tokenBudget = loaded.largestBudget();
    this.streamTokens = STREAM_BUDGETS * loaded.sumOfBudgets();
    this.settings = settings;
    this.pipeline = loaded.start(settings, listeners, cache);
    this.leakGuard = LeakGuard.over(this, pipeline, model.name());
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
   * Embeds a text. Returns at once, unless too much waits in the text's lane ({@link
   * EngineBuilder#maxWaitingTokens}): then it blocks until there is room, or throws, as {@link
   * EngineBuilder#overload} says.
   *
   * <p>The calling thread only queues the text, with one exception: if all its texts before are
   * settled and the engine has no cache, it tokenises a short one: of up to 128 characters, which
   * takes about 0.1 ms, as long as waking another thread would; or, on machines of eight processors
   * and more, of up to 512, which takes 0.15 to 0.3 ms of English and up to twice that of Chinese.
   * The calling thread never runs the model, cache lookups or callbacks of the returned future.
   *
   * @param text the text
   * @param options how it is embedded
   * @return a future that completes with the embedding, or fails with {@link BackendException},
   *     {@link DeviceLostException}, {@link NotFiniteException}, {@link TextTooLongException},
   *     {@link EngineClosedException} or {@link DeadlineExceededException}; a text without tokens
   *     fails with {@link IllegalArgumentException}, and one with tokens that the model does not
   *     have with {@link ModelException}. Cancelling it drops the text if it still waits.
   *     Cancelling a future that was derived from it, by {@code thenApply} for instance, does not.
   * @throws IllegalArgumentException if the model cannot compute an output that is asked for
   * @throws EngineClosedException if the engine is closed
   * @throws EngineOverloadedException if too much waits and the engine does not block
   * @throws EmbeddingInterruptedException if the thread was interrupted while it waited for room;
   *     its interrupt flag stays set
   */
  public CompletableFuture<Embedding> embed(String text, EmbedOptions options) {
    requireNonNull(text, "text");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    return submit(Input.of(text), complete(options), wanted, options.job().orElse(NO_JOB), true);
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
   * @throws EmbeddingInterruptedException as for a text
   */
  public CompletableFuture<Embedding> embed(int[] tokenIds, EmbedOptions options) {
    requireNonNull(tokenIds, "tokenIds");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    Input tokens = Input.of(tokenizer.frame(tokenIds));
    return submit(tokens, complete(options), wanted, options.job().orElse(NO_JOB), true);
  }

  /**
   * Embeds texts and waits for all of them. Blocks while too much waits, whatever {@link
   * EngineBuilder#overload} says.
   *
   * <p>If this method throws, the texts that were not computed are dropped.
   *
   * @param texts the texts
   * @param options how each of them is embedded
   * @return the embeddings in the order of the texts
   * @throws LucioleException the failure of the first text that failed, after all have completed;
   *     {@link DeadlineExceededException} if its deadline passed
   * @throws EmbeddingInterruptedException if the thread is interrupted meanwhile; its interrupt
   *     flag stays set
   * @throws NullPointerException if a text is null; the message has its number
   */
  public List<Embedding> embedAll(Collection<String> texts, EmbedOptions options) {
    requireNonNull(texts, "texts");
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    Object job = options.job().orElseGet(Object::new);
    EmbedOptions each = complete(options);
    List<Request> requests = new ArrayList<>(texts.size());
    try {
      for (String text : texts) {
        if (text == null) {
          throw EmbeddingStream.missing("Text", requests.size());
        }
        requests.add(submit(Input.of(text), each, wanted, job, false));
      }
      return EmbeddingStream.joinAll(requests);
    } finally {
      requests.forEach(request -> request.cancel(false));
    }
  }

  /**
   * Embeds any number of texts in bounded memory, as {@link #embedAll(Iterator, Function,
   * EmbedOptions)} does with items. For a source that may block, which would hold back finished
   * results here, there is {@link #embedAll(Iterator, Function, EmbedOptions, Executor)}.
   *
   * @param texts the texts
   * @param options how each of them is embedded
   * @return one embedding for each text, in the order of the texts
   */
  public Iterator<Embedding> embedAll(Iterator<String> texts, EmbedOptions options) {
    return stream(texts, Function.identity(), options).embeddings();
  }

  /**
   * Embeds the texts of any number of items in bounded memory, and gives each embedding with its
   * item. The thread that calls {@code next} reads items from the iterator and submits their texts,
   * far enough ahead to keep the device busy. Results come in the order of the items.
   *
   * <p>{@code next} blocks until its result is there. What fails, fails in its turn, and the
   * following call goes on with the following item: {@code next} throws
   *
   * <ul>
   *   <li>the {@link LucioleException} of a text that failed, {@link DeadlineExceededException} if
   *       its deadline passed;
   *   <li>{@link EngineClosedException} for each item that was read after the engine was closed;
   *   <li>{@link NullPointerException} for an item or a text that is null, with the item's number;
   *   <li>what {@code toText} throws, and, last, what {@code items} throws, which is not read
   *       further;
   *   <li>{@link EmbeddingInterruptedException}, if the thread is interrupted: then the submitted
   *       texts that are not computed yet are dropped, each throws it in its turn, and the thread's
   *       interrupt flag stays set.
   * </ul>
   *
   * The returned iterator is not for use by several threads. It reads ahead, and a source that
   * blocks holds back results that are finished; for such a source see {@link #embedAll(Iterator,
   * Function, EmbedOptions, Executor)}.
   *
   * @param <T> the type of the items
   * @param items what the texts are taken from; read by the thread that calls {@code next}
   * @param toText takes an item's text; called once for each item, by that thread
   * @param options how each text is embedded
   * @return one embedding for each item; if the caller stops early, the submitted texts are
   *     computed and dropped
   */
  public <T> Iterator<Embedded<T>> embedAll(
      Iterator<? extends T> items, Function<? super T, String> toText, EmbedOptions options) {
    return stream(items, toText, options);
  }

  /**
   * As {@link #embedAll(Iterator, Function, EmbedOptions)} for a source that may block, such as a
   * queue or a connection: results are handed out as soon as they are finished, whether or not the
   * source has its next item.
   *
   * @param <T> the type of the items
   * @param items what the texts are taken from; read by tasks of the executor, one at a time, up to
   *     1,024 items ahead
   * @param toText takes an item's text; called once for each item, by the thread that calls {@code
   *     next}
   * @param options how each text is embedded
   * @param reader runs the tasks that read; they may block for as long as the source does, as
   *     threads of {@code Executors.newVirtualThreadPerTaskExecutor()} may
   * @return one embedding for each item, in their order
   */
  public <T> Iterator<Embedded<T>> embedAll(
      Iterator<? extends T> items,
      Function<? super T, String> toText,
      EmbedOptions options,
      Executor reader) {
    Iterator<T> ahead =
        new ReadAhead<>(requireNonNull(items, "items"), requireNonNull(reader, "reader"));
    return stream(ahead, toText, options);
  }

  /**
   * Embeds the texts of any number of items in bounded memory, as {@link #embedAll(Iterator,
   * Function, EmbedOptions)} does. The returned stream is ordered, sequential and lazy: its
   * terminal operation reads the items. If a text fails, that operation throws its exception and
   * ends.
   *
   * <p>Close the stream, best by try-with-resources, if its terminal operation may end early or
   * throw: that drops the texts that were submitted and are not computed yet, and closes {@code
   * items}.
   *
   * @param <T> the type of the items
   * @param items what the texts are taken from
   * @param toText takes an item's text; called once for each item
   * @param options how each text is embedded
   * @return one embedding for each item
   */
  public <T> Stream<Embedded<T>> embedAll(
      Stream<? extends T> items, Function<? super T, String> toText, EmbedOptions options) {
    return this.<T>stream(items.iterator(), toText, options).asStream().onClose(items::close);
  }

  private <T> EmbeddingStream<T> stream(
      Iterator<? extends T> items, Function<? super T, String> toText, EmbedOptions options) {
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    Object job = options.job().orElseGet(Object::new);
    EmbedOptions each = complete(options);
    return new EmbeddingStream<>(
        requireNonNull(items, "items"),
        requireNonNull(toText, "toText"),
        of -> submit(Input.of(of), each, wanted, job, false),
        of -> pipeline.estimate(of, each.truncation().orElse(truncation), wanted),
        EmbeddingStream.Window.of(streamTokens, wanted, info));
  }

  /** The engine must not be collected, and so be closed, while a text is being submitted. */
  Request submit(
      Input input, EmbedOptions options, Set<Output> wanted, Object job, boolean mayReject) {
    try {
      return pipeline.submit(input, options, wanted, job, mayReject);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** As {@link #submit}, for what uses the tokenizer. */
  <R> R unlessClosed(Supplier<R> action) {
    try {
      return pipeline.unlessClosed(action);
    } finally {
      Reference.reachabilityFence(this);
    }
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

  /** Tokenises texts, also those that are computed while the engine closes. */
  TextTokenizer tokenizer() {
    return tokenizer;
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
    return unlessClosed(() -> tokenizer.tokenize(text, role));
  }

  /**
   * All tokens of a text, also those beyond the model's limit. A text of megabytes takes seconds.
   *
   * @param text the text
   * @param role its role, whose prompt is put before it
   * @return the tokens, special ones included, and their places in the prompt with the text
   * @throws EngineClosedException if the engine is closed
   */
  public List<TextToken> tokens(String text, Role role) {
    return unlessClosed(() -> tokenizer.tokens(text, role));
  }

  /**
   * The text of token ids, as near to the one they were made of as the tokenizer allows.
   *
   * @param tokenIds the ids
   * @param skipSpecials whether special tokens are left out
   * @return the text
   * @throws IllegalArgumentException if an id is not one of the tokenizer's
   * @throws EngineClosedException if the engine is closed
   */
  public String decode(int[] tokenIds, boolean skipSpecials) {
    return unlessClosed(() -> tokenizer.decode(tokenIds, skipSpecials));
  }

  /**
   * Estimates how many tokens of a text the model computes: one for every four UTF-16 units, at
   * most the model's limit. The engine counts texts so until they are tokenised. Takes no lock.
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
    return unlessClosed(() -> new Chunker(tokenizer, Role.PASSAGE, maxTokens, overlapTokens));
  }

  /**
   * The string of a token, for showing it to people; several ids may have the same.
   *
   * @param tokenId the token's id
   * @return its string
   * @throws EngineClosedException if the engine is closed
   */
  public String decodeToken(int tokenId) {
    return unlessClosed(() -> tokenizer.decode(tokenId));
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
   * @throws ModelException if a file cannot be read, or was changed between opening and the first
   *     call
   */
  public ModelFingerprint fingerprint() {
    return identity.fingerprint(info.dimension(), info.precision());
  }

  /**
   * Identifies all that a text's vectors depend on but the text: the model's files, pooling,
   * prompts and limits, the backend, its precision and those of its options that vectors depend on,
   * and the options' role, outputs and rule for long texts. Where two engines give the same digest,
   * their vectors of a text are the same but for rounding. The first call reads the model's files;
   * see {@link ModelFiles#fingerprint}.
   *
   * @param options how texts are embedded
   * @return SHA-256 in lower-case hex, 64 characters
   * @throws IllegalArgumentException if the options ask for outputs that the model does not have
   */
  public String settingsDigest(EmbedOptions options) {
    Set<Output> wanted = wanted(requireNonNull(options, "options"));
    return new CacheKeys(fingerprint(), model.description(), info, backendOptions)
        .key("", options.role(), wanted, options.truncation().orElse(truncation))
        .toString();
  }

  /** {@return what the engine has done so far and what waits} */
  public EngineStats stats() {
    return pipeline.stats();
  }

  /**
   * Adds a listener for texts, batches and the health of the devices, as {@link
   * EngineBuilder#listener} does. An engine with a listener that refers to it is not told of when
   * it is collected without {@link #close}.
   *
   * @param listener receives the events from now on
   */
  public void addListener(EngineListener listener) {
    pipeline.metrics().add(requireNonNull(listener, "listener"));
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
    leakGuard.disarm();
    if (pipeline.close(requireNonNull(limit, "limit"))) {
      tokenizer.close();
    }
  }
}
