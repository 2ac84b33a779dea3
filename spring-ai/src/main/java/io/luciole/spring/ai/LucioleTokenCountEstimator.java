package io.luciole.spring.ai;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.model.Chunker;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.tokenizer.TokenCountEstimator;

/**
 * Counts tokens exactly, with the tokenizer of an engine's model: those of a text, also beyond the
 * model's limit, with the special ones and the passage prompt. Safe for use by many threads; after
 * the engine is closed it throws {@link IllegalStateException}, or an {@link
 * io.luciole.EngineClosedException} if it has counted nothing before.
 */
public final class LucioleTokenCountEstimator implements TokenCountEstimator {
  private final EmbeddingEngine engine;

  /** Made at the first count, since the mock of a test gives none when this object is made. */
  private volatile @Nullable Chunker counter;

  /**
   * Makes an estimator.
   *
   * @param engine the engine; it stays the caller's to close
   */
  public LucioleTokenCountEstimator(EmbeddingEngine engine) {
    this.engine = requireNonNull(engine, "engine");
  }

  /**
   * Counts the tokens of a text.
   *
   * @param text the text; null for none
   * @return their number; 0 if there is no text
   */
  @Override
  public int estimate(@Nullable String text) {
    return text == null ? 0 : counter().count(text);
  }

  private Chunker counter() {
    Chunker made = counter;
    if (made == null) {
      made = engine.chunker(engine.description().maxTokens(), 0);
      counter = made;
    }
    return made;
  }

  /**
   * Counts the tokens of a content's text.
   *
   * @param content the content
   * @return their number; 0 if it has no text
   * @throws IllegalArgumentException if it has media, which no model of Luciole's reads
   */
  @Override
  public int estimate(MediaContent content) {
    if (!content.getMedia().isEmpty()) {
      throw new IllegalArgumentException("expected content without media, got " + content);
    }
    return estimate(content.getText());
  }

  /**
   * Counts the tokens of several contents' texts.
   *
   * @param contents the contents
   * @return the sum of their numbers
   * @throws IllegalArgumentException as {@link #estimate(MediaContent)}
   */
  @Override
  public int estimate(Iterable<MediaContent> contents) {
    int sum = 0;
    for (MediaContent content : contents) {
      sum = Math.addExact(sum, estimate(content));
    }
    return sum;
  }
}
