package io.luciole.server;

import com.google.inject.Inject;
import io.helidon.webserver.CloseConnectionException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Embeds the texts of a request, all or none. They are batched together with other clients' texts;
 * all texts of one client are one job of the engine's, so that clients share the engine fairly. If
 * one text fails, the request's time is up or the client disconnects, the texts that still wait are
 * cancelled.
 */
final class Embedder {
  private static final long FIRST_LOOK_MILLIS = 250;
  private static final long LOOK_MILLIS = 500;

  /** UTF-16 units of text that make about one token. */
  private static final int UNITS_A_TOKEN = 4;

  private final RequestLimiter limiter;

  @Inject
  Embedder(RequestLimiter limiter) {
    this.limiter = limiter;
  }

  /**
   * Embeds texts and waits for them.
   *
   * @param model the model that embeds them
   * @param inputs the texts or token ids
   * @param where the name of the request's field that holds the texts, for messages
   * @param options role and outputs; the timeout and the job are added here
   * @param longTexts what becomes of texts that are too long
   * @return the embeddings, in the order of the inputs
   * @throws Problem if the request is refused, or a text cannot be embedded
   */
  List<Embedding> embed(
      Exchange x,
      ServedModel model,
      List<EmbeddingInput> inputs,
      String where,
      EmbedOptions options,
      LongTexts longTexts)
      throws Exception {
    check(x, inputs, where);
    EmbedOptions whole = longTexts.options(model.engine(), options);
    List<EmbeddingInput> cut = longTexts.inputs(model.engine(), inputs, options.role());
    List<Embedding> embeddings = embed(x, model, cut, where, whole);
    ComputeHeaders.add(x, model, inputs);
    return embeddings;
  }

  private List<Embedding> embed(
      Exchange x,
      ServedModel model,
      List<EmbeddingInput> inputs,
      String where,
      EmbedOptions options)
      throws Exception {
    EmbeddingEngine engine = model.engine();
    long[] estimates = new long[inputs.size()];
    long sum = 0;
    for (int i = 0; i < estimates.length; i++) {
      estimates[i] = estimate(engine, inputs.get(i));
      sum += estimates[i];
    }
    EmbedOptions timed = options.timeout(x.remaining()).job(x.caller());
    limiter.reserveTokens(sum);
    List<CompletableFuture<Embedding>> futures = new ArrayList<>(inputs.size());
    long unsubmitted = sum;
    try {
      for (int i = 0; i < estimates.length; i++) {
        CompletableFuture<Embedding> future =
            submit(engine, inputs.get(i), timed, name(where, inputs, i));
        long estimate = estimates[i];
        unsubmitted -= estimate;
        CompletableFuture<?> unused =
            future.whenComplete((done, failed) -> limiter.releaseTokens(estimate));
        futures.add(future);
      }
      List<Embedding> embeddings = new ArrayList<>(futures.size());
      long tokens = 0;
      for (int i = 0; i < futures.size(); i++) {
        Embedding embedding = await(x, futures.get(i), name(where, inputs, i));
        tokens += embedding.tokenCount();
        embeddings.add(embedding);
      }
      x.count(embeddings.size(), tokens);
      model.readiness().recordSuccess();
      return embeddings;
    } finally {
      if (unsubmitted > 0) {
        limiter.releaseTokens(unsubmitted);
      }
      for (CompletableFuture<Embedding> future : futures) {
        future.cancel(false);
      }
    }
  }

  /**
   * Admits texts that are tokenised and not embedded, within the limits of those that are: their
   * tokens count among those that wait for the model until they are released.
   *
   * @param texts the texts
   * @param where the name of the request's field that holds them, for messages
   * @throws Problem if the request is refused
   */
  RequestLimiter.Reservation admit(Exchange x, List<EmbeddingInput> texts, String where) {
    check(x, texts, where);
    return limiter.reserve(
        texts.stream().mapToLong(text -> Math.ceilDiv(text.length() + 1, UNITS_A_TOKEN)).sum());
  }

  private static String name(String where, List<EmbeddingInput> inputs, int i) {
    return inputs.size() == 1 ? where : where + '[' + i + ']';
  }

  private void check(Exchange x, List<EmbeddingInput> inputs, String where) {
    if (inputs.isEmpty()) {
      throw Problem.empty(where);
    }
    if (inputs.size() > x.limits().maxTexts()) {
      throw Problem.tooLarge(
          where,
          "A request may have "
              + x.limits().maxTexts()
              + " texts, this one has "
              + inputs.size()
              + '.');
    }
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).length() > x.limits().maxCharacters()) {
        throw Problem.tooLarge(
            name(where, inputs, i),
            "A text may have "
                + x.limits().maxCharacters()
                + " characters, this one has "
                + inputs.get(i).length()
                + '.');
      }
    }
  }

  private static int estimate(EmbeddingEngine engine, EmbeddingInput input) {
    return switch (input) {
      case EmbeddingInput.Text text -> engine.estimateTokens(text.text());
      case EmbeddingInput.Tokens ids ->
          Math.clamp(ids.length(), 1, engine.description().maxTokens());
    };
  }

  private static CompletableFuture<Embedding> submit(
      EmbeddingEngine engine, EmbeddingInput input, EmbedOptions options, String where) {
    try {
      return switch (input) {
        case EmbeddingInput.Text text -> engine.embed(text.text(), options);
        case EmbeddingInput.Tokens tokens -> engine.embed(tokens.ids(), options);
      };
    } catch (IllegalArgumentException e) {
      throw Problem.invalid(where, String.valueOf(e.getMessage()));
    }
  }

  private static Embedding await(Exchange x, CompletableFuture<Embedding> future, String where)
      throws Exception {
    long look = FIRST_LOOK_MILLIS;
    while (true) {
      long left = x.remaining().toMillis() + 1;
      try {
        return future.get(Math.min(left, look), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (x.isClientDisconnected()) {
          throw new CloseConnectionException("the client hung up", e);
        }
        look = LOOK_MILLIS;
      } catch (ExecutionException e) {
        Problem problem = Problems.of(e);
        throw new Problem(
            problem.status(), problem.code(), problem.text(), where, problem.retryAfterSeconds());
      }
    }
  }
}
