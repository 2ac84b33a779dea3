package io.luciole.server;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The headers in which text-embeddings-inference tells what an answer cost. Those of the time that
 * one request's texts were tokenised, waited and were computed are left out: texts of several
 * requests are computed together.
 */
final class ComputeHeaders {
  private static final HeaderName TYPE = HeaderNames.create("x-compute-type");
  private static final HeaderName TIME = HeaderNames.create("x-compute-time");
  private static final HeaderName CHARACTERS = HeaderNames.create("x-compute-characters");
  private static final HeaderName TOKENS = HeaderNames.create("x-compute-tokens");
  private static final HeaderName TOTAL = HeaderNames.create("x-total-time");

  private ComputeHeaders() {}

  /**
   * Adds the headers, before the answer is sent. Times are in milliseconds since its first byte.
   */
  static void add(Exchange x, ServedModel model, List<EmbeddingInput> inputs) {
    String time = Long.toString(TimeUnit.NANOSECONDS.toMillis(x.elapsedNanos()));
    long characters = 0;
    for (EmbeddingInput input : inputs) {
      if (input instanceof EmbeddingInput.Text(String text)) {
        characters += text.codePointCount(0, text.length());
      }
    }
    x.header(TYPE, model.engine().backend().device().toString());
    x.header(TIME, time);
    x.header(CHARACTERS, Long.toString(characters));
    x.header(TOKENS, Long.toString(x.tokens()));
    x.header(TOTAL, time);
  }
}
