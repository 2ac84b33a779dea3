package io.luciole.server;

import com.google.inject.Inject;
import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.PairScore;
import java.util.List;

/**
 * Embeds the texts of a request, all or none. They are batched together with other clients' texts;
 * all texts of one client are one job of the engine's, so that clients share the engine fairly. If
 * one text fails, the request's time is up or the client disconnects, the texts that still wait are
 * cancelled.
 */
final class Embedder {
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
    List<Embedding> embeddings =
        new EmbeddingRun<Embedding>(
                x,
                engine,
                limiter,
                inputs,
                where,
                options,
                (input, how) ->
                    switch (input) {
                      case EmbeddingInput.Text text -> engine.embed(text.text(), how);
                      case EmbeddingInput.Tokens tokens -> engine.embed(tokens.ids(), how);
                    })
            .results();
    x.count(embeddings.size(), embeddings.stream().mapToLong(Embedding::tokenCount).sum());
    model.readiness().recordSuccess();
    return embeddings;
  }

  /**
   * Scores texts against a query by a reranker and waits for them.
   *
   * @param query the query
   * @param texts the texts
   * @param where the name of the request's field that holds the texts, for messages
   * @param longTexts what becomes of pairs that are too long
   * @return the scores, in the order of the texts
   * @throws Problem if the request is refused, or a pair cannot be scored
   */
  List<PairScore> score(
      Exchange x,
      ServedReranker served,
      String query,
      List<String> texts,
      String where,
      LongTexts longTexts)
      throws Exception {
    List<EmbeddingInput> inputs = EmbeddingInput.texts(texts);
    check(x, inputs, where);
    check(x, List.of(new EmbeddingInput.Text(query)), "query");
    CrossEncoder reranker = served.reranker();
    EmbedOptions options = longTexts.options(reranker.engine(), EmbedOptions.passage());
    List<PairScore> scores =
        new EmbeddingRun<PairScore>(
                x,
                reranker.engine(),
                limiter,
                inputs,
                where,
                options,
                (input, how) -> reranker.score(query, ((EmbeddingInput.Text) input).text(), how))
            .results();
    x.count(scores.size(), scores.stream().mapToLong(PairScore::tokenCount).sum());
    served.model().readiness().recordSuccess();
    ComputeHeaders.add(x, served.model(), inputs);
    return scores;
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
        x.caller(),
        texts.stream().mapToLong(text -> Math.ceilDiv(text.length() + 1, UNITS_A_TOKEN)).sum());
  }

  /** What messages call an input. */
  static String name(String where, List<EmbeddingInput> inputs, int i) {
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
}
