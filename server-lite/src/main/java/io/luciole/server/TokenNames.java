package io.luciole.server;

import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import io.luciole.model.TextToken;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Names of an engine's tokens that people can read: the same for a token in every text, another for
 * every token, never empty and without dots, as Elasticsearch and OpenSearch ask of the names of a
 * document's features.
 *
 * <p>A string names the token that the tokenizer makes of it. Other tokens with the same string,
 * such as a piece within words beside the piece that begins one, have their id behind it ({@code
 * the#70}), and so have tokens with an empty string ({@code #6}) and those with dots, which become
 * underscores ({@code _#7}). Safe for use by many threads.
 */
final class TokenNames {
  /** A string that could be taken for a name with an id. */
  private static final Pattern WITH_ID = Pattern.compile(".*#[0-9]+", Pattern.DOTALL);

  private final EmbeddingEngine engine;

  /** At most as many as the vocabulary has tokens. */
  private final Map<Integer, String> names = new ConcurrentHashMap<>();

  TokenNames(EmbeddingEngine engine) {
    this.engine = engine;
  }

  /** The name of a token. */
  String of(int id) {
    String known = names.get(id);
    if (known == null) {
      String text = engine.decodeToken(id).strip();
      known = isWhatBecomesOf(text, id) ? text : text.replace('.', '_') + '#' + id;
      names.put(id, known);
    }
    return known;
  }

  private boolean isWhatBecomesOf(String text, int id) {
    if (text.isEmpty() || text.indexOf('.') >= 0 || WITH_ID.matcher(text).matches()) {
      return false;
    }
    List<TextToken> all = pieces(text);
    int prompt = pieces("").size();
    return all.size() == prompt + 1 && all.get(prompt).id() == id;
  }

  private List<TextToken> pieces(String text) {
    return engine.tokens(text, Role.PASSAGE).stream().filter(token -> !token.special()).toList();
  }
}
