package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An input to embed: a text, or token ids of the model's own tokenizer. */
sealed interface EmbeddingInput {
  /** The length in UTF-16 units of a text, or in tokens. */
  int length();

  /** A text. */
  record Text(String text) implements EmbeddingInput {
    @Override
    public int length() {
      return text.length();
    }
  }

  /** Token ids. */
  final class Tokens implements EmbeddingInput {
    private final int[] ids;

    Tokens(int[] ids) {
      this.ids = ids;
    }

    int[] ids() {
      return ids;
    }

    @Override
    public int length() {
      return ids.length;
    }

    @Override
    public boolean equals(@Nullable Object o) {
      return o instanceof Tokens that && Arrays.equals(ids, that.ids);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(ids);
    }
  }

  /**
   * Reads a string, an array of strings or of objects with a {@code text}, and, if they are
   * allowed, an array of token ids or an array of such arrays.
   */
  static List<EmbeddingInput> parse(JsonNode value, String where, boolean tokenIds) {
    if (value.isTextual()) {
      return written(List.of(value.textValue()), where);
    }
    if (!value.isArray()) {
      throw JsonBodies.wrong(where, "a string or an array of strings", value);
    }
    if (!value.isEmpty() && value.get(0).isNumber()) {
      requireAllowed(tokenIds, where);
      return List.of(tokens(value, where));
    }
    List<EmbeddingInput> inputs = new ArrayList<>(value.size());
    for (int i = 0; i < value.size(); i++) {
      JsonNode each = value.get(i);
      String place = where + '[' + i + ']';
      if (each.isTextual()) {
        inputs.add(new Text(each.textValue()));
      } else if (each.path("text").isTextual()) {
        inputs.add(new Text(each.path("text").textValue()));
      } else if (each.isArray()) {
        requireAllowed(tokenIds, where);
        inputs.add(tokens(each, place));
      } else {
        throw JsonBodies.wrong(place, "a string", each);
      }
    }
    requireWritten(inputs, where);
    return inputs;
  }

  /**
   * Texts as inputs, of which none may be empty, as OpenAI and text-embeddings-inference have it:
   * their vectors would be those of the special tokens.
   *
   * @throws Problem if one is
   */
  static List<EmbeddingInput> written(List<String> texts, String where) {
    List<EmbeddingInput> inputs = texts(texts);
    requireWritten(inputs, where);
    return inputs;
  }

  private static void requireWritten(List<EmbeddingInput> inputs, String where) {
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).length() == 0) {
        String place = Embedder.name(where, inputs, i);
        throw Problem.invalid(
            place, "Expected a text as \"" + place + "\", found an empty string.");
      }
    }
  }

  /** Texts as inputs. */
  static List<EmbeddingInput> texts(List<String> texts) {
    return texts.stream().<EmbeddingInput>map(Text::new).toList();
  }

  /** Another model's ids are often ids of this one, too, and then give wrong vectors unnoticed. */
  private static void requireAllowed(boolean tokenIds, String where) {
    if (!tokenIds) {
      throw new Problem(
          400,
          "token_ids_refused",
          "Expected texts as \""
              + where
              + "\", found token ids, which would give wrong vectors unless they are this model's."
              + " Send texts: LangChain does with check_embedding_ctx_length=False. If the ids are"
              + " this model's own, set "
              + ServerKeys.TOKEN_IDS
              + "=true.",
          where,
          0);
    }
  }

  static int[] ids(JsonNode array, String where) {
    return tokens(array, where).ids();
  }

  private static Tokens tokens(JsonNode array, String where) {
    int[] ids = new int[array.size()];
    if (ids.length == 0) {
      throw JsonBodies.wrong(where, "token ids", array);
    }
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = array.get(i);
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
        throw JsonBodies.wrong(where + '[' + i + ']', "a token id", id);
      }
      ids[i] = id.intValue();
    }
    return new Tokens(ids);
  }
}
