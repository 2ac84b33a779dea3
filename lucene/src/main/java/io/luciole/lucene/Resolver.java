package io.luciole.lucene;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.ScoreDoc;
import org.jspecify.annotations.Nullable;

/** Turns Lucene's document numbers into what people know. For one thread and one view. */
final class Resolver {
  private static final Set<String> SHOWN =
      Set.of(SchemaFields.TITLE, SchemaFields.TEXT, SchemaFields.METADATA);

  private final IndexReader reader;
  private final LegQueries queries;
  private final Map<Integer, String> ids = new HashMap<>();

  Resolver(IndexReader reader, LegQueries queries) {
    this.reader = reader;
    this.queries = queries;
  }

  List<ScoredId> ids(List<ScoreDoc> hits) throws IOException {
    load(hits.stream().map(hit -> hit.doc).toList());
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

  /** Doc values are read forwards. */
  private void load(Collection<Integer> docs) throws IOException {
    List<Integer> missing = new ArrayList<>();
    for (Integer doc : docs) {
      if (!ids.containsKey(doc)) {
        missing.add(doc);
      }
    }
    Collections.sort(missing);
    BinaryDocValues values = null;
    LeafReaderContext leaf = null;
    for (int doc : missing) {
      if (leaf == null || doc >= leaf.docBase + leaf.reader().maxDoc()) {
        leaf = leaf(doc);
        values = leaf.reader().getBinaryDocValues(SchemaFields.ID);
      }
      if (values != null && values.advanceExact(doc - leaf.docBase)) {
        ids.put(doc, values.binaryValue().utf8ToString());
      }
    }
  }

  private LeafReaderContext leaf(int doc) {
    return reader.leaves().get(ReaderUtil.subIndex(doc, reader.leaves()));
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
      Reranker.Again again = ranked.again();
      int doc = ranked.entry().doc();
      Document document = reader.storedFields().document(doc, SHOWN);
      String text = orEmpty(document.get(SchemaFields.TEXT));
      String metadata = document.get(SchemaFields.METADATA);
      LeafReaderContext leaf = leaf(doc);
      int passage =
          again == null
              ? passages.find(leaf, doc, text, ranked.entry().legs().keySet())
              : again.passage();
      hits.add(
          new Hit(
              i + 1,
              id(doc),
              ranked.score(),
              orEmpty(document.get(SchemaFields.TITLE)),
              text,
              passages.at(leaf, passage, text),
              metadata == null ? Map.of() : DocumentFields.readMetadata(metadata),
              Collections.unmodifiableMap(ranked.entry().legs()),
              query.matchedTokens() && engine != null
                  ? tokens(leaf, passage, weights, engine)
                  : List.of(),
              again == null ? explanation : again.explain(explanation)));
    }
    return hits;
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
