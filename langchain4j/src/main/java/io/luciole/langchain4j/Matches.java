package io.luciole.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.store.embedding.CosineSimilarity;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SearchResult;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.KnnVectorValues;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.jspecify.annotations.Nullable;

/**
 * Makes LangChain4j's matches of hits whose texts are kept whole: with the document's dense vector,
 * and its relevance by that, whichever leg found it.
 *
 * @param field the field of the dense vectors
 */
record Matches(HybridSearcher searcher, String field) {
  /** The hits of a result that are relevant enough, in their order. */
  List<EmbeddingMatch<TextSegment>> of(SearchResult result, Embedding query, double minScore) {
    Map<Integer, Embedding> vectors =
        searcher.withSearcher(result, s -> vectors(s.getIndexReader(), docs(result)));
    List<EmbeddingMatch<TextSegment>> matches = new ArrayList<>(result.hits().size());
    for (Hit hit : result.hits()) {
      Embedding vector = vectors.get(Relevance.doc(result, hit));
      double score = relevance(query, vector);
      if (score >= minScore) {
        matches.add(new EmbeddingMatch<>(score, hit.id(), vector, Segments.whole(hit)));
      }
    }
    return matches;
  }

  /** The relevance of a document without a vector is 0. */
  private static double relevance(Embedding query, @Nullable Embedding document) {
    return document == null ? 0 : Relevance.ofCosine(CosineSimilarity.between(query, document));
  }

  /** The documents of the hits, by their numbers in the searched view. */
  private static int[] docs(SearchResult result) {
    return result.hits().stream().mapToInt(hit -> Relevance.doc(result, hit)).sorted().toArray();
  }

  private Map<Integer, Embedding> vectors(IndexReader reader, int[] ascending) throws IOException {
    Map<Integer, Embedding> vectors = new HashMap<>();
    int at = 0;
    while (at < ascending.length) {
      LeafReaderContext leaf =
          reader.leaves().get(ReaderUtil.subIndex(ascending[at], reader.leaves()));
      int end = leaf.docBase + leaf.reader().maxDoc();
      FloatVectorValues values = leaf.reader().getFloatVectorValues(field);
      for (; at < ascending.length && ascending[at] < end; at++) {
        float[] vector = values == null ? null : vector(values, ascending[at] - leaf.docBase);
        if (vector != null) {
          vectors.put(ascending[at], Embedding.from(vector));
        }
      }
    }
    return vectors;
  }

  private static float @Nullable [] vector(FloatVectorValues values, int doc) throws IOException {
    KnnVectorValues.DocIndexIterator at = values.iterator();
    return at.advance(doc) == doc ? values.vectorValue(at.index()).clone() : null;
  }
}
