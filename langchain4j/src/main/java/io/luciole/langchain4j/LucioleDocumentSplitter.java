package io.luciole.langchain4j;

import dev.langchain4j.data.document.Document;
import dev.langchain4j.data.document.DocumentSplitter;
import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.segment.TextSegment;
import io.luciole.EmbeddingEngine;
import io.luciole.model.Chunker;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Cuts documents into segments that fit a model, by the model's own tokens: at the ends of
 * sentences and paragraphs where it can, as {@link Chunker} does.
 *
 * <p>A segment has the document's metadata, and {@code index}, its number from 0 as text, as
 * LangChain4j's own splitters have it. Blanks around segments are left out; a document of blanks
 * alone has no segment.
 *
 * <p>Safe for use by many threads, as long as the engine is open.
 */
public final class LucioleDocumentSplitter implements DocumentSplitter {
  private static final String INDEX = "index";

  private final Chunker chunker;

  private LucioleDocumentSplitter(Chunker chunker) {
    this.chunker = chunker;
  }

  /**
   * Makes a splitter.
   *
   * @param engine the engine whose tokenizer counts
   * @param maxTokens the largest number of tokens in a segment, special ones and the prompt of
   *     passages included
   * @param overlapTokens the largest number of tokens that a segment repeats of the previous one; 0
   *     for no overlap
   * @return the splitter
   * @throws IllegalArgumentException if the model does not allow such segments, see {@link Chunker}
   */
  public static LucioleDocumentSplitter of(
      EmbeddingEngine engine, int maxTokens, int overlapTokens) {
    return new LucioleDocumentSplitter(engine.chunker(maxTokens, overlapTokens));
  }

  @Override
  public List<TextSegment> split(Document document) {
    String text = document.text();
    List<TextSegment> segments = new ArrayList<>();
    if (text.isBlank()) {
      return segments;
    }
    for (Iterator<Chunker.Chunk> chunks = chunker.iterator(text); chunks.hasNext(); ) {
      Metadata metadata = document.metadata().copy().put(INDEX, Integer.toString(segments.size()));
      segments.add(TextSegment.from(chunks.next().of(text), metadata));
    }
    return segments;
  }
}
