package io.luciole;

import io.luciole.model.TokenizedText;
import org.jspecify.annotations.Nullable;

/**
 * What is submitted to the engine.
 *
 * @param text the text; empty if there are tokens
 * @param tokens the tokens of a text that is tokenised already, or null
 * @param tokenizer what tokenises this text in place of the engine's tokenizer, or null
 */
record Input(
    String text, @Nullable TokenizedText tokens, TokenizerStage.@Nullable Tokenizer tokenizer) {
  static final Input NOTHING = new Input("", null, null);

  static Input of(String text) {
    return new Input(text, null, null);
  }

  static Input of(TokenizedText tokens) {
    return new Input("", tokens, null);
  }

  /** This without its text, which need not be kept once it is tokenised. */
  Input withoutText() {
    return isPlain() ? NOTHING : new Input("", tokens, tokenizer);
  }

  /** Whether text, role and options alone decide the embedding, so that it can be cached. */
  boolean isPlain() {
    return tokens == null && tokenizer == null;
  }
}
