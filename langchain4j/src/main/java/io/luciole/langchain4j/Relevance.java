package io.luciole.langchain4j;

import dev.langchain4j.store.embedding.RelevanceScore;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SchemaFields;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.VectorQueries;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.Rescorer;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;

/**
 * The relevance of hits by their exact dense vectors, of passages by that of the best of them,
 * whichever leg found them: LangChain4j's {@code (1 + cosine) / 2}. Safe for use by many threads.
 */
record Relevance(HybridSearcher searcher, VectorQueries vectors) {
  /** The relevance in an index; empty if it has no dense vectors, or some that have no length 1. */
  static Optional<Relevance> in(HybridSearcher searcher) {
    HybridSchema schema = searcher.schema();
    return schema
        .dense()
        .filter(HybridSchema.Dense::normalized)
        .map(dense ->
            new Relevance(
                searcher,
                schema.chunks().isEmpty()
                    ? schema.vectorFields().queries()
                    : schema
                        .vectorFields()
                        .queries(new TermQuery(new Term(SchemaFields.DOCUMENT, "1")))));
  }

  /** The relevance of each hit, by its rank. */
  Map<Integer, Double> of(SearchResult result, float[] query) {
    Map<Integer, Integer> ranks = new HashMap<>();
    result.hits().forEach(hit -> ranks.put(doc(result, hit), hit.rank()));
    TopDocs hits =
        new TopDocs(
            new TotalHits(ranks.size(), TotalHits.Relation.EQUAL_TO),
            ranks.keySet().stream().map(doc -> new ScoreDoc(doc, 0)).toArray(ScoreDoc[]::new));
    Rescorer cosines = vectors.denseRescorer(query);
    TopDocs scored =
        searcher.withSearcher(result, s -> cosines.rescore(s, hits, hits.scoreDocs.length));
    Map<Integer, Double> relevance = new HashMap<>();
    for (ScoreDoc each : scored.scoreDocs) {
      relevance.put(ranks.get(each.doc), ofCosine(each.score));
    }
    return relevance;
  }

  /** The number of a hit's document in the view that was searched. */
  static int doc(SearchResult result, Hit hit) {
    return result.docs().scoreDocs[hit.rank() - 1].doc;
  }

  /** From 0 for a cosine of −1 to 1 for 1. */
  static double ofCosine(double cosine) {
    return Math.clamp(RelevanceScore.fromCosineSimilarity(cosine), 0, 1);
  }
}
