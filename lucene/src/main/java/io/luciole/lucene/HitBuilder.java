package io.luciole.lucene;

import io.luciole.Embedding;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.ScoreDoc;
import org.jspecify.annotations.Nullable;

/** Makes hits of the numbers that Lucene gives documents. For one thread and one view. */
final class HitBuilder {
  private final IndexReader reader;
  private final LegQueries queries;
  private final IndexLayout layout;
  private final @Nullable QueryEmbedder embedder;
  private final Map<Integer, String> ids = new HashMap<>();

  HitBuilder(IndexReader reader, SearchRun.Context context) {
    this.reader = reader;
    this.queries = context.queries();
    this.layout = context.layout();
    this.embedder = context.embedder();
  }

  List<ScoredId> ids(List<ScoreDoc> hits) throws IOException {
    load(hits);
    List<ScoredId> scored = new ArrayList<>(hits.size());
    for (ScoreDoc hit : hits) {
      scored.add(new ScoredId(id(hit.doc), hit.score));
    }
    return scored;
  }

  /** A ranking by ids; its documents are those of the legs' lists, which are known. */
  List<ScoredId> scored(List<Reranker.Ranked> ranking) {
    List<ScoredId> scored = new ArrayList<>(ranking.size());
    for (Reranker.Ranked ranked : ranking) {
      scored.add(new ScoredId(id(ranked.entry().doc()), ranked.score()));
    }
    return scored;
  }

  private String id(int doc) {
    String id = ids.get(doc);
    if (id == null) {
      throw new IndexException(
          "Expected an id in the field \""
              + layout.id()
              + "\" of every document, found none in document "
              + doc
              + ": the field is another, or the index is damaged.");
    }
    return id;
  }

  /** Reads the ids that are not known yet. */
  void load(List<ScoreDoc> hits) throws IOException {
    int[] missing =
        hits.stream()
            .mapToInt(hit -> hit.doc)
            .filter(doc -> !ids.containsKey(doc))
            .sorted()
            .toArray();
    SegmentCursor<DocumentIds> segments =
        new SegmentCursor<>(reader, leaf -> DocumentIds.open(leaf, layout.id()));
    for (int doc : missing) {
      DocumentIds of = segments.advance(doc);
      String id = of.of(doc - segments.base());
      if (id != null) {
        ids.put(doc, id);
      }
    }
  }

  /** One page of a ranking. */
  List<Hit> hits(
      FusedList fused,
      List<Reranker.Ranked> ranking,
      HybridQuery query,
      @Nullable Embedding vectors)
      throws IOException {
    int from = Math.min(query.offset(), ranking.size());
    int to = (int) Math.min((long) from + query.top(), ranking.size());
    SparseVector weights =
        vectors != null && vectors.has(Output.SPARSE) ? vectors.sparse() : SparseVector.EMPTY;
    PassageFinder passages = new PassageFinder(queries, query.text(), vectors);
    IndexLayout.Shown shown = layout.shown();
    List<Hit> hits = new ArrayList<>(to - from);
    for (int i = from; i < to; i++) {
      Reranker.Ranked ranked = ranking.get(i);
      ExactScorer.Score exact = ranked.exact();
      int doc = ranked.entry().doc();
      Document document = reader.storedFields().document(doc, shown.fields());
      String text = shown.textOf(document);
      LeafReaderContext leaf = SegmentCursor.leafOf(reader, doc);
      int passage =
          exact == null
              ? passages.find(leaf, doc, text, ranked.entry().legs().keySet())
              : exact.passage();
      hits.add(
          new Hit(
              i + 1,
              id(doc),
              ranked.score(),
              shown.titleOf(document),
              text,
              passages.at(leaf, passage, text),
              shown.metadataOf(document, id(doc)),
              Collections.unmodifiableMap(ranked.entry().legs()),
              query.matchedTokens() && embedder != null
                  ? tokens(leaf, passage, weights, embedder)
                  : List.of(),
              ranked.explain(fused.explain(ranked.entry()))));
    }
    return hits;
  }

  private List<TokenMatch> tokens(
      LeafReaderContext leaf, int passage, SparseVector weights, QueryEmbedder decoder)
      throws IOException {
    List<TokenMatch> matches = new ArrayList<>();
    for (DocumentVectors.Shared shared :
        queries.vectors().vectorsOf(leaf).shared(passage - leaf.docBase, weights)) {
      matches.add(
          new TokenMatch(
              shared.tokenId(),
              decoder.token(shared.tokenId()),
              shared.queryWeight(),
              shared.documentWeight()));
    }
    matches.sort(Comparator.comparingDouble(TokenMatch::product).reversed());
    return matches;
  }
}
