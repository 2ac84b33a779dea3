package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ScoringHead;
import io.luciole.spi.Backends;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A reranker that reads query and passage together, such as BAAI/bge-reranker-v2-m3, BGE-M3's
 * companion: slower than comparing vectors, since each pair is computed anew, and better at the
 * first few results.
 *
 * <pre>{@code
 * try (CrossEncoder reranker =
 *     CrossEncoder.open(EmbeddingEngine.builder().model("BAAI/bge-reranker-v2-m3").maxLength(512))) {
 *   List<PairScore> scores =
 *       reranker.scoreAll("Which insects glow?", List.of("Fireflies do.", "Bees."));
 * }
 * }</pre>
 *
 * <p>Pairs go through an {@link EmbeddingEngine}: its threads tokenise them, it batches those of
 * all callers by their tokens, and its lanes, deadlines, bounds, listeners and statistics are
 * theirs, a pair being a text. They are built as FlagEmbedding's {@code FlagReranker} builds them:
 * {@code <s> query </s></s> passage </s>}. {@code FlagReranker}'s own limit is 512 tokens a pair;
 * here it is {@link EngineBuilder#maxLength}, or else the model's.
 *
 * <p>Of a pair that is longer,
 *
 * <ul>
 *   <li>{@link Truncation#TRUNCATE} cuts the query to three quarters of the limit if it is longer
 *       than that, and then the end of the passage to what is left, as {@code FlagReranker} does
 *       (Transformers' {@code only_second});
 *   <li>{@link Truncation#ERROR} fails with {@link TextTooLongException};
 *   <li>{@link Truncation#CHUNK} cuts the passage into chunks that fit behind the query, and the
 *       pair has the best chunk's score (Dai and Callan 2019, "MaxP").
 * </ul>
 *
 * <p>Safe for use by many threads.
 */
public final class CrossEncoder implements AutoCloseable {
  private static final EmbedOptions USUAL = EmbedOptions.query();
  private static final Set<Output> DENSE = Set.of(Output.DENSE);

  private final EmbeddingEngine engine;
  private final ScoringHead head;
  private final int maxTokens;

  /** That of the query that was asked for last, since a caller often scores several passages. */
  private volatile @Nullable PairTokenizer last;

  private CrossEncoder(EmbeddingEngine engine, ScoringHead head) {
    this.engine = engine;
    this.head = head;
    this.maxTokens = engine.description().maxTokens();
    int around = engine.tokenize("", Role.PASSAGE).length();
    if (around != 2) {
      throw new ModelException(
          "Expected a tokenizer that puts one token before a text and one behind it, found "
              + around
              + " around an empty text. It is another model's tokenizer: copy tokenizer.json from"
              + " the page of "
              + engine.modelName()
              + '.');
    }
  }

  /**
   * Opens a reranker.
   *
   * @param builder names the model, and says how the engine beneath runs; its outputs and its cache
   *     are not used; it stays as it is
   * @return a reranker that is ready; close it after use
   * @throws ModelException if the model is missing, its files are wrong, or it is no reranker of
   *     this kind
   * @throws ConfigException as {@link EngineBuilder#open}
   * @throws IllegalArgumentException if the limit of tokens is below 20, which would leave nothing
   *     of a passage beside a long query
   * @throws io.luciole.spi.BackendException as {@link EngineBuilder#open}
   */
  public static CrossEncoder open(EngineBuilder builder) {
    requireNonNull(builder, "builder");
    Backends backends = builder.backends();
    ModelFiles files = builder.resolve(backends);
    ScoringHead head = ScoringHead.read(files);
    int limit = files.description().maxTokens();
    if (limit < PairTokenizer.MIN_LIMIT) {
      throw new IllegalArgumentException(
          "expected a limit of at least "
              + PairTokenizer.MIN_LIMIT
              + " tokens for pairs of query and passage, got "
              + limit
              + " for "
              + files.name());
    }
    EmbeddingEngine engine = builder.open(files.withStatesOfFirstTokens(), backends, DENSE);
    try {
      return new CrossEncoder(engine, head);
    } catch (Throwable t) {
      engine.close();
      throw t;
    }
  }

  /**
   * Scores a pair, in the interactive lane and without a deadline, as {@link #score(String, String,
   * EmbedOptions)} does.
   *
   * @param query the query
   * @param passage the passage
   * @return a future that completes with the score
   */
  public CompletableFuture<PairScore> score(String query, String passage) {
    return score(query, passage, USUAL);
  }

  /**
   * Scores a pair. Returns at once, unless too much waits, as {@link EmbeddingEngine#embed(String,
   * EmbedOptions)} does; the calling thread tokenises the query.
   *
   * @param query the query
   * @param passage the passage
   * @param options lane, deadline, job and truncation; role and outputs are not used
   * @return a future that completes with the score. It fails and is cancelled as that of {@link
   *     EmbeddingEngine#embed(String, EmbedOptions)}
   * @throws EngineClosedException if this is closed
   * @throws EngineOverloadedException if too much waits and the engine does not block
   * @throws EmbeddingInterruptedException if the thread was interrupted while it waited for room;
   *     its interrupt flag stays set
   */
  public CompletableFuture<PairScore> score(String query, String passage, EmbedOptions options) {
    return submit(
        pairs(query),
        passage,
        complete(options),
        options.job().orElse(EmbeddingEngine.NO_JOB),
        true);
  }

  /**
   * Scores any number of passages of one query and waits for all of them, in the interactive lane
   * and without a deadline, as {@link #scoreAll(String, List, EmbedOptions)} does.
   *
   * @param query the query
   * @param passages the passages
   * @return a score for each passage, in their order
   */
  public List<PairScore> scoreAll(String query, List<String> passages) {
    return scoreAll(query, passages, USUAL);
  }

  /**
   * Scores any number of passages of one query and waits for all of them. Blocks while too much
   * waits, whatever {@link EngineBuilder#overload} says. If this method throws, the pairs that were
   * not computed are dropped.
   *
   * @param query the query
   * @param passages the passages
   * @param options as for one pair; the deadline is that of each pair
   * @return a score for each passage, in their order
   * @throws LucioleException the failure of the first pair that failed, after all have completed;
   *     {@link DeadlineExceededException} if its deadline passed
   * @throws EngineClosedException if this is closed
   * @throws EmbeddingInterruptedException if the thread is interrupted meanwhile; its interrupt
   *     flag stays set
   */
  public List<PairScore> scoreAll(String query, List<String> passages, EmbedOptions options) {
    List<CompletableFuture<PairScore>> scores = submitAll(query, passages, options);
    try {
      return EmbeddingStream.joinAll(scores);
    } finally {
      scores.forEach(score -> score.cancel(false));
    }
  }

  /**
   * Submits any number of passages of one query, for a caller that does not want to wait for all of
   * them. Blocks while too much waits, whatever {@link EngineBuilder#overload} says.
   *
   * @param query the query
   * @param passages the passages
   * @param options as for one pair
   * @return a future for each passage, in their order, as {@link #score(String, String,
   *     EmbedOptions)} returns it
   * @throws EngineClosedException if this is closed; the pairs that were submitted are dropped
   * @throws EmbeddingInterruptedException if the thread is interrupted while it waits for room; its
   *     interrupt flag stays set, and the pairs that were submitted are dropped
   */
  public List<CompletableFuture<PairScore>> submitAll(
      String query, List<String> passages, EmbedOptions options) {
    PairTokenizer pairs = pairs(query);
    EmbedOptions each = complete(options);
    Object job = options.job().orElseGet(Object::new);
    List<CompletableFuture<PairScore>> scores = new ArrayList<>(passages.size());
    try {
      for (String passage : passages) {
        scores.add(submit(pairs, passage, each, job, false));
      }
      return scores;
    } catch (Throwable t) {
      scores.forEach(score -> score.cancel(false));
      throw t;
    }
  }

  private PairTokenizer pairs(String query) {
    PairTokenizer known = last;
    if (known != null && known.query().equals(requireNonNull(query, "query"))) {
      return known;
    }
    PairTokenizer pairs =
        engine.unlessClosed(() -> new PairTokenizer(engine.tokenizer(), head, maxTokens, query));
    last = pairs;
    return pairs;
  }

  private EmbedOptions complete(EmbedOptions options) {
    return options.truncation().isPresent() ? options : options.truncation(engine.truncation());
  }

  private CompletableFuture<PairScore> submit(
      PairTokenizer pairs, String passage, EmbedOptions how, Object job, boolean mayReject) {
    Input input = new Input(requireNonNull(passage, "passage"), null, pairs);
    CompletableFuture<Embedding> state = engine.submit(input, how, DENSE, job, mayReject);
    CompletableFuture<PairScore> score = state.thenApply(this::scoreOf);
    // A future does not pass cancellation on to what it depends on.
    var unused =
        score.whenComplete((value, failure) -> {
          if (score.isCancelled()) {
            state.cancel(false);
          }
        });
    return score;
  }

  private PairScore scoreOf(Embedding state) {
    float value = head.score(state.dense());
    if (!Float.isFinite(value)) {
      throw new NotFiniteException("score", value);
    }
    return new PairScore(value, state.tokenCount(), state.truncated());
  }

  /** {@return the model's name for people} */
  public String modelName() {
    return engine.modelName();
  }

  /** {@return the largest number of tokens of a pair, special ones included} */
  public int maxTokens() {
    return maxTokens;
  }

  /**
   * {@return the engine beneath, for its statistics and listeners; its vectors are token states}
   */
  public EmbeddingEngine engine() {
    return engine;
  }

  /** Closes the engine beneath as {@link EmbeddingEngine#close()}. Closing twice does nothing. */
  @Override
  public void close() {
    engine.close();
  }

  /**
   * Closes the engine beneath.
   *
   * @param limit as {@link EmbeddingEngine#close(Duration)}
   */
  public void close(Duration limit) {
    engine.close(limit);
  }
}
