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

  /** Reads a string, an array of strings, an array of token ids or an array of such arrays. */
  static List<EmbeddingInput> parse(JsonNode value, String where) {
    if (value.isTextual()) {
      return List.of(new Text(value.textValue()));
    }
    if (!value.isArray()) {
      throw JsonBodies.wrong(where, "a string, an array of strings, or token ids", value);
    }
    if (!value.isEmpty() && value.get(0).isNumber()) {
      return List.of(tokens(value, where));
    }
    List<EmbeddingInput> inputs = new ArrayList<>(value.size());
    for (int i = 0; i < value.size(); i++) {
      JsonNode each = value.get(i);
      String place = where + '[' + i + ']';
      if (each.isTextual()) {
        inputs.add(new Text(each.textValue()));
      } else if (each.isArray()) {
        inputs.add(tokens(each, place));
      } else {
        throw JsonBodies.wrong(place, "a string or an array of token ids", each);
      }
    }
    return inputs;
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
