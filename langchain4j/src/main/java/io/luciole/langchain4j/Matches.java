package io.luciole.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.store.embedding.CosineSimilarity;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import io.luciole.lucene.DenseVectors;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.VectorFields;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.jspecify.annotations.Nullable;

/**
 * Makes LangChain4j's matches of hits whose texts are kept whole: with the document's dense vector,
 * and its relevance by that, whichever leg found it.
 *
 * @param fields the fields of the vectors
 */
record Matches(HybridSearcher searcher, VectorFields fields) {
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
      DenseVectors dense = new DenseVectors(leaf.reader(), fields);
      for (; at < ascending.length && ascending[at] < end; at++) {
        int document = ascending[at];
        dense
            .vector(document - leaf.docBase)
            .ifPresent(vector -> vectors.put(document, Embedding.from(vector)));
      }
    }
    return vectors;
  }
}
