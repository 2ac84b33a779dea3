package io.luciole.lucene;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.ScoreDoc;
import org.jspecify.annotations.Nullable;

/** Makes hits of the numbers that Lucene gives documents. For one thread and one view. */
final class HitBuilder {
  private static final Set<String> SHOWN =
      Set.of(SchemaFields.TITLE, SchemaFields.TEXT, SchemaFields.METADATA);

  private final IndexReader reader;
  private final LegQueries queries;
  private final Map<Integer, String> ids = new HashMap<>();

  HitBuilder(IndexReader reader, LegQueries queries) {
    this.reader = reader;
    this.queries = queries;
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
      throw new IndexException("Document " + doc + " has no id: the index is damaged.");
    }
    return id;
  }

  /** Reads the ids that are not known yet. */
  private void load(List<ScoreDoc> hits) throws IOException {
    int[] missing =
        hits.stream()
            .mapToInt(hit -> hit.doc)
            .filter(doc -> !ids.containsKey(doc))
            .sorted()
            .toArray();
    SegmentCursor<BinaryDocValues> segments =
        new SegmentCursor<>(reader, leaf -> DocValues.getBinary(leaf.reader(), SchemaFields.ID));
    for (int doc : missing) {
      BinaryDocValues values = segments.advance(doc);
      if (values.advanceExact(doc - segments.base())) {
        ids.put(doc, values.binaryValue().utf8ToString());
      }
    }
  }

  /** One page of a ranking. */
  List<Hit> hits(
      FusedList fused,
      List<Reranker.Ranked> ranking,
      HybridQuery query,
      @Nullable Embedding vectors,
      @Nullable EmbeddingEngine engine)
      throws IOException {
    int from = Math.min(query.offset(), ranking.size());
    int to = (int) Math.min((long) from + query.top(), ranking.size());
    SparseVector weights =
        vectors != null && vectors.has(Output.SPARSE) ? vectors.sparse() : SparseVector.EMPTY;
    PassageFinder passages = new PassageFinder(queries, query.text(), vectors);
    List<Hit> hits = new ArrayList<>(to - from);
    for (int i = from; i < to; i++) {
      Reranker.Ranked ranked = ranking.get(i);
      Explanation explanation = fused.explain(ranked.entry());
      Reranker.ExactScores exact = ranked.exact();
      int doc = ranked.entry().doc();
      Document document = reader.storedFields().document(doc, SHOWN);
      String text = orEmpty(document.get(SchemaFields.TEXT));
      String metadata = document.get(SchemaFields.METADATA);
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
              orEmpty(document.get(SchemaFields.TITLE)),
              text,
              passages.at(leaf, passage, text),
              metadata == null ? Metadata.EMPTY : metadata(id(doc), metadata),
              Collections.unmodifiableMap(ranked.entry().legs()),
              query.matchedTokens() && engine != null
                  ? tokens(leaf, passage, weights, engine)
                  : List.of(),
              exact == null ? explanation : exact.explain(explanation)));
    }
    return hits;
  }

  private static Metadata metadata(String id, String json) {
    try {
      return Metadata.parse(json);
    } catch (IllegalArgumentException e) {
      throw new IndexException(
          "The stored metadata of the document \"" + id + "\" is damaged: " + e.getMessage(), e);
    }
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  private List<TokenMatch> tokens(
      LeafReaderContext leaf, int passage, SparseVector weights, EmbeddingEngine engine)
      throws IOException {
    List<TokenMatch> matches = new ArrayList<>();
    for (DocumentVectors.Shared shared :
        queries.vectors(leaf).shared(passage - leaf.docBase, weights)) {
      matches.add(
          new TokenMatch(
              shared.tokenId(),
              engine.decodeToken(shared.tokenId()),
              shared.queryWeight(),
              shared.documentWeight()));
    }
    matches.sort(Comparator.comparingDouble(TokenMatch::product).reversed());
    return matches;
  }
}
