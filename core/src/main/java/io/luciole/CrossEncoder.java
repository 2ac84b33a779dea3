package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFiles;
import io.luciole.model.ScoringHead;
import io.luciole.model.TokenizedText;
import io.luciole.spi.Backends;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A reranker that reads query and passage together, such as BAAI/bge-reranker-v2-m3, BGE-M3's
 * companion: slower than comparing vectors, since each pair is computed anew, and better at the
 * first few results.
 *
 * <pre>{@code
 * try (CrossEncoder reranker =
 *     CrossEncoder.open(EmbeddingEngine.builder().model("BAAI/bge-reranker-v2-m3").maxLength(512))) {
 *   List<Float> scores = reranker.scoreAll("Which insects glow?", List.of("Fireflies do.", "Bees."));
 * }
 * }</pre>
 *
 * <p>Pairs go through an {@link EmbeddingEngine}, which batches those of all callers by their
 * tokens. They are built as FlagEmbedding's {@code FlagReranker} builds them: {@code <s> query
 * </s></s> passage </s>}, the query cut to three quarters of the limit, and then the passage to
 * what is left. {@code FlagReranker}'s own limit is 512 tokens a pair; here it is {@link
 * EngineBuilder#maxLength}, or else the model's.
 *
 * <p>Safe for use by many threads.
 */
public final class CrossEncoder implements AutoCloseable {
  /** The special tokens of a pair: one before, two between, one behind. */
  private static final int SPECIALS = 4;

  private final EmbeddingEngine engine;
  private final ScoringHead head;
  private final int first;
  private final int separator;
  private final int maxTokens;
  private final EmbedOptions options;

  private CrossEncoder(EmbeddingEngine engine, ScoringHead head) {
    this.engine = engine;
    this.head = head;
    this.maxTokens = engine.description().maxTokens();
    this.options = EmbedOptions.passage().outputs(Output.DENSE);
    int[] empty = engine.tokenize("", Role.PASSAGE).ids();
    if (empty.length != 2) {
      throw new LucioleException(
          "Expected a tokenizer that puts one token before a text and one behind it, found "
              + empty.length
              + " around an empty text");
    }
    this.first = empty[0];
    this.separator = empty[1];
  }

  /**
   * Opens a reranker.
   *
   * @param builder names the model, and says how the engine beneath runs; its outputs are not used
   * @return a reranker that is ready; close it after use
   * @throws io.luciole.model.ModelException if the model is missing, its files are wrong, or it is
   *     no reranker of this kind
   * @throws ConfigException as {@link EngineBuilder#open}
   * @throws io.luciole.spi.BackendException as {@link EngineBuilder#open}
   */
  public static CrossEncoder open(EngineBuilder builder) {
    requireNonNull(builder, "builder");
    Backends backends = builder.backends();
    ModelFiles files = builder.resolve(backends);
    ScoringHead head = ScoringHead.read(files);
    EmbeddingEngine engine =
        builder.outputs(Output.DENSE).open(files.withStatesOfFirstTokens(), backends);
    try {
      return new CrossEncoder(engine, head);
    } catch (Throwable t) {
      engine.close();
      throw t;
    }
  }

  /**
   * Scores a pair.
   *
   * @param query the query
   * @param passage the passage
   * @return the score, any number: the larger, the more relevant; {@link #probability} maps it to
   *     0..1. Failures and cancellation as {@link EmbeddingEngine#embed(String)}
   * @throws EngineClosedException if this is closed
   * @throws EngineOverloadedException as {@link EmbeddingEngine#embed(String, EmbedOptions)}
   */
  public CompletableFuture<Float> score(String query, String passage) {
    requireNonNull(query, "query");
    return score(queryIds(query), requireNonNull(passage, "passage"), options);
  }

  /**
   * Scores passages of one query and waits for all of them.
   *
   * @param query the query
   * @param passages the passages
   * @return a score for each passage, in their order
   * @throws LucioleException the first failure, after all have completed
   * @throws EmbeddingInterruptedException if the thread is interrupted meanwhile; its interrupt
   *     flag stays set
   */
  public List<Float> scoreAll(String query, List<String> passages) {
    int[] ids = queryIds(requireNonNull(query, "query"));
    EmbedOptions job = options.job(new Object());
    List<CompletableFuture<Float>> scores = new ArrayList<>(passages.size());
    try {
      for (String passage : passages) {
        scores.add(score(ids, requireNonNull(passage, "passage"), job));
      }
      return EmbeddingStream.joinAll(scores);
    } finally {
      scores.forEach(score -> score.cancel(false));
    }
  }

  private CompletableFuture<Float> score(int[] query, String passage, EmbedOptions how) {
    CompletableFuture<Embedding> state = engine.embed(pair(query, passage), how);
    CompletableFuture<Float> score = state.thenApply(e -> head.score(e.dense()));
    // A future does not pass cancellation on to what it depends on.
    var unused =
        score.whenComplete((value, failure) -> {
          if (score.isCancelled()) {
            state.cancel(false);
          }
        });
    return score;
  }

  private int[] queryIds(String query) {
    int[] ids = inner(query);
    return ids.length > maxTokens * 3 / 4 ? Arrays.copyOf(ids, maxTokens * 3 / 4) : ids;
  }

  /** A text's tokens without the special ones around them. */
  private int[] inner(String text) {
    TokenizedText tokens = engine.tokenize(text, Role.PASSAGE);
    return Arrays.copyOfRange(tokens.ids(), 1, tokens.length() - 1);
  }

  private int[] pair(int[] query, String passage) {
    int[] ids = inner(passage);
    int kept = Math.clamp(maxTokens - SPECIALS - query.length, 0, ids.length);
    int[] pair = new int[SPECIALS + query.length + kept];
    pair[0] = first;
    System.arraycopy(query, 0, pair, 1, query.length);
    pair[1 + query.length] = separator;
    pair[2 + query.length] = separator;
    System.arraycopy(ids, 0, pair, 3 + query.length, kept);
    pair[pair.length - 1] = separator;
    return pair;
  }

  /**
   * Maps a score to the probability that its training meant: {@code 1 / (1 + e⁻ˢ)}, as
   * FlagEmbedding's {@code normalize=True}.
   *
   * @param score a score
   * @return a number from 0 to 1
   */
  public static float probability(float score) {
    return (float) (1 / (1 + Math.exp(-score)));
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
