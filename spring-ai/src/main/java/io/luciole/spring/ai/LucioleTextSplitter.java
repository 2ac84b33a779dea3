package io.luciole.spring.ai;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.model.Chunker;
import java.util.List;
import org.springframework.ai.transformer.splitter.TextSplitter;

/**
 * Cuts documents into chunks that fit a model, by its own tokenizer and at the ends of sentences,
 * as {@link Chunker} describes. A chunk is a document with its parent's metadata, and what Spring
 * AI adds: {@code parent_document_id}, {@code chunk_index} and {@code total_chunks}.
 *
 * <p>Not needed where the index itself cuts texts into passages ({@link
 * io.luciole.lucene.SchemaBuilder#chunks}): then a document stays whole and is found by its best
 * passage. Safe for use by many threads; after the engine is closed it throws {@link
 * IllegalStateException}.
 */
public final class LucioleTextSplitter extends TextSplitter {
  private final Chunker chunker;

  /**
   * Makes a splitter without overlap.
   *
   * @param engine the engine; it stays the caller's to close
   * @param maxTokens the largest number of tokens in a chunk, special ones and the passage prompt
   *     included
   * @throws IllegalArgumentException as {@link #LucioleTextSplitter(EmbeddingEngine, int, int)}
   */
  public LucioleTextSplitter(EmbeddingEngine engine, int maxTokens) {
    this(engine, maxTokens, 0);
  }

  /**
   * Makes a splitter.
   *
   * @param engine the engine; it stays the caller's to close
   * @param maxTokens the largest number of tokens in a chunk, special ones and the passage prompt
   *     included
   * @param overlapTokens the largest number of tokens that a chunk repeats of the previous one
   * @throws IllegalArgumentException if the model does not allow such chunks, see {@link Chunker}
   */
  public LucioleTextSplitter(EmbeddingEngine engine, int maxTokens, int overlapTokens) {
    this.chunker = requireNonNull(engine, "engine").chunker(maxTokens, overlapTokens);
  }

  /** Cuts a text; a text that fits is one chunk. */
  @Override
  protected List<String> splitText(String text) {
    return chunker.chunks(text).stream().map(chunk -> chunk.of(text)).toList();
  }
}
