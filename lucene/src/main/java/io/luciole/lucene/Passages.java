package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import io.luciole.model.Chunker;
import io.luciole.model.Chunker.Chunk;
import java.util.List;

/**
 * A document cut into passages.
 *
 * @param chunks where they stand in its text, at least one
 * @param contents what is embedded of each: the title, if it is short, and the passage
 */
record Passages(List<Chunk> chunks, List<String> contents) {
  /** Cuts a document so that each passage with the title before it keeps the limit. */
  static Passages cut(SourceDocument document, EmbeddingEngine engine, HybridSchema.Chunks how) {
    String title = document.title();
    String before = "";
    int tokens = how.tokens();
    if (!title.isEmpty()) {
      int ofTitle = engine.tokenize(title, Role.PASSAGE).length();
      if (ofTitle <= how.tokens() / 2) {
        before = title + " ";
        tokens -= ofTitle - engine.tokenize("", Role.PASSAGE).length();
      }
    }
    Chunker chunker = engine.chunker(tokens, how.overlap());
    String text = document.text();
    List<Chunk> chunks = chunker.chunks(text);
    String prefix = before;
    return new Passages(chunks, chunks.stream().map(c -> prefix + c.of(text)).toList());
  }
}
