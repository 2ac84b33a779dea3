package io.luciole.server;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import io.luciole.Truncation;
import io.luciole.model.TextToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What becomes of texts with more tokens than the model takes. */
enum LongTexts {
  /** The request is refused. */
  REFUSE,
  /** Their ends are cut off, or they are embedded in pieces if the engine does that. */
  KEEP_START,
  /** Their beginnings are cut off, the role's prompt with them. */
  KEEP_END;

  /** One of the first two. */
  static LongTexts truncate(boolean truncate) {
    return truncate ? KEEP_START : REFUSE;
  }

  /** The options that make the engine treat long texts so. */
  EmbedOptions options(EmbeddingEngine engine, EmbedOptions options) {
    return switch (this) {
      case REFUSE -> options.truncation(Truncation.ERROR);
      case KEEP_START ->
          engine.truncation() == Truncation.ERROR
              ? options.truncation(Truncation.TRUNCATE)
              : options;
      case KEEP_END -> options.truncation(Truncation.TRUNCATE);
    };
  }

  /** The inputs, of which long texts are replaced by their last tokens if those are to be kept. */
  List<EmbeddingInput> inputs(EmbeddingEngine engine, List<EmbeddingInput> inputs, Role role) {
    if (this != KEEP_END) {
      return inputs;
    }
    List<EmbeddingInput> ends = new ArrayList<>(inputs.size());
    for (EmbeddingInput input : inputs) {
      ends.add(end(engine, input, role));
    }
    return ends;
  }

  private static EmbeddingInput end(EmbeddingEngine engine, EmbeddingInput input, Role role) {
    int limit = engine.description().maxTokens();
    return switch (input) {
      case EmbeddingInput.Text text -> {
        List<TextToken> tokens = engine.tokens(text.text(), role);
        int[] ids =
            tokens.stream().filter(token -> !token.special()).mapToInt(TextToken::id).toArray();
        int specials = tokens.size() - ids.length;
        yield tokens.size() <= limit
            ? text
            : new EmbeddingInput.Tokens(
                Arrays.copyOfRange(ids, ids.length - (limit - specials), ids.length));
      }
      case EmbeddingInput.Tokens tokens -> {
        int[] ids = tokens.ids();
        int inner = limit - engine.tokenize("", Role.PASSAGE).length();
        yield ids.length <= inner
            ? tokens
            : new EmbeddingInput.Tokens(Arrays.copyOfRange(ids, ids.length - inner, ids.length));
      }
    };
  }
}
