package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.jspecify.annotations.Nullable;

/**
 * Reranks the best of a fused list by what a model says of their texts: of each document its title
 * and the passage that fits the query best, as a hit shows them. For one thread.
 */
final class ModelReranker {
  private final IndexReader reader;
  private final IndexLayout layout;
  private final PassageFinder passages;
  private final String query;

  /**
   * Creates a reranker.
   *
   * @param vectors the query's vectors, or null if there are none
   */
  ModelReranker(
      IndexReader reader,
      IndexLayout layout,
      LegQueries queries,
      String query,
      @Nullable Embedding vectors) {
    this.reader = reader;
    this.layout = layout;
    this.passages = new PassageFinder(queries, query, vectors);
    this.query = query;
  }

  /** The scores of the best of a list, in their order. */
  CompletableFuture<List<Float>> scores(
      List<FusedList.Entry> best, PassageScorer scorer, EmbedOptions options) throws IOException {
    List<String> texts = new ArrayList<>(best.size());
    for (FusedList.Entry entry : best) {
      texts.add(text(entry));
    }
    return scorer.score(query, texts, options);
  }

  private String text(FusedList.Entry entry) throws IOException {
    Document document = reader.storedFields().document(entry.doc(), layout.shown().fields());
    String title = layout.shown().titleOf(document);
    String text = layout.shown().textOf(document);
    LeafReaderContext leaf = SegmentCursor.leafOf(reader, entry.doc());
    int best = passages.find(leaf, entry.doc(), text, entry.legs().keySet());
    String passage = passages.at(leaf, best, text).map(Passage::text).orElse(text);
    return title.isEmpty() ? passage : title + " " + passage;
  }

  /** A list whose best are ordered by their scores; the others keep their order behind them. */
  static List<Reranker.Ranked> ranked(FusedList fused, List<Float> scores) {
    List<FusedList.Entry> entries = fused.entries();
    List<Reranker.Ranked> reranked = new ArrayList<>(scores.size());
    for (int i = 0; i < scores.size(); i++) {
      reranked.add(Reranker.Ranked.byModel(entries.get(i), scores.get(i)));
    }
    return Reranker.sorted(reranked, entries);
  }
}
