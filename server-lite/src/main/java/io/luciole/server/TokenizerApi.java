package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import io.luciole.model.TextToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;

/**
 * Texts as tokens and back, in text-embeddings-inference's shapes. Texts are tokenised to their
 * end, whatever the model's limit, so that clients can count their tokens.
 */
final class TokenizerApi implements Api {
  private static final BodyFields TOKENIZE =
      BodyFields.lenient("inputs", "add_special_tokens", "prompt_name");

  private static final BodyFields DECODE = BodyFields.lenient("ids", "skip_special_tokens");

  private final Embedder embedder;
  private final EmbeddingEngine engine;

  @Inject
  TokenizerApi(Embedder embedder, ServedModels models) {
    this.embedder = embedder;
    this.engine = models.standard().engine();
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/tokenize", Problems.Format.TEI, this::tokenize),
        Route.post("/decode", Problems.Format.TEI, this::decode));
  }

  private void tokenize(Exchange x) throws Exception {
    ObjectNode body = x.json();
    TOKENIZE.check(body);
    boolean special = JsonBodies.flag(body, "add_special_tokens", true);
    Role role = RequestOptions.role(x, body, "prompt_name").role();
    JsonNode given = body.path("inputs");
    List<String> texts =
        given.isTextual() ? List.of(given.textValue()) : JsonBodies.strings(given, "inputs");
    byte[] answer;
    RequestLimiter.Reservation waiting =
        embedder.admit(x, EmbeddingInput.written(texts, "inputs"), "inputs");
    try {
      answer =
          x.hasLargeBody()
              ? x.heavily(() -> tokenized(x, texts, role, special))
              : tokenized(x, texts, role, special);
    } finally {
      waiting.release();
    }
    x.ok(answer);
  }

  private byte[] tokenized(Exchange x, List<String> texts, Role role, boolean special)
      throws TimeoutException {
    List<List<TextToken>> tokens = new ArrayList<>();
    for (String text : texts) {
      x.requireTime();
      tokens.add(engine.tokens(text, role));
    }
    return JsonBodies.bytes(out -> write(out, texts, tokens, role, special));
  }

  private void write(
      JsonGenerator out,
      List<String> texts,
      List<List<TextToken>> tokens,
      Role role,
      boolean special)
      throws IOException {
    String prompt = engine.description().prompt(role);
    out.writeStartArray();
    for (int i = 0; i < tokens.size(); i++) {
      out.writeStartArray();
      write(out, tokens.get(i), bytesBefore(prompt + texts.get(i)), special);
      out.writeEndArray();
    }
    out.writeEndArray();
  }

  /** Writes tokens, whose places are told in bytes of UTF-8. */
  private static void write(JsonGenerator out, List<TextToken> tokens, int[] bytes, boolean special)
      throws IOException {
    for (TextToken token : tokens) {
      if (token.special() && !special) {
        continue;
      }
      out.writeStartObject();
      out.writeNumberField("id", token.id());
      out.writeStringField("text", token.text());
      out.writeBooleanField("special", token.special());
      if (token.special()) {
        out.writeNullField("start");
        out.writeNullField("stop");
      } else {
        out.writeNumberField("start", bytes[token.start()]);
        out.writeNumberField("stop", bytes[token.end()]);
      }
      out.writeEndObject();
    }
  }

  /** How many bytes of UTF-8 come before each {@code char} of a text, and after the last. */
  private static int[] bytesBefore(String text) {
    int[] bytes = new int[text.length() + 1];
    int sum = 0;
    for (int i = 0; i < text.length(); i++) {
      bytes[i] = sum;
      int point = text.codePointAt(i);
      sum += Character.toString(point).getBytes(StandardCharsets.UTF_8).length;
      if (Character.charCount(point) == 2) {
        bytes[++i] = sum;
      }
    }
    bytes[text.length()] = sum;
    return bytes;
  }

  private void decode(Exchange x) {
    ObjectNode body = x.json();
    DECODE.check(body);
    boolean skip = JsonBodies.flag(body, "skip_special_tokens", true);
    JsonNode ids = body.path("ids");
    if (!ids.isArray()) {
      throw JsonBodies.wrong("ids", "token ids, or arrays of such", ids);
    }
    if (ids.isEmpty()) {
      throw Problem.empty("ids");
    }
    if (ids.size() > x.limits().maxTexts() && ids.get(0).isArray()) {
      throw Problem.tooLarge("ids", "A request may have " + x.limits().maxTexts() + " texts.");
    }
    ArrayNode texts = JsonBodies.array();
    if (ids.get(0).isArray()) {
      for (int i = 0; i < ids.size(); i++) {
        texts.add(decode(ids.get(i), "ids[" + i + ']', skip));
      }
    } else {
      texts.add(decode(ids, "ids", skip));
    }
    x.ok(texts);
  }

  private String decode(JsonNode ids, String where, boolean skip) {
    try {
      return engine.decode(EmbeddingInput.ids(ids, where), skip);
    } catch (IllegalArgumentException e) {
      throw Problem.invalid(where, JsonBodies.sentence(e));
    }
  }
}
