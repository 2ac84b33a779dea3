package io.luciole.lucene;

import io.luciole.Embedding;
import io.luciole.Output;
import java.io.IOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * Finds the passage of a document that fits a query best; see {@link Hit#passage}. For one thread.
 */
final class PassageFinder {
  private final LegQueries queries;
  private final String text;
  private final @Nullable Embedding query;
  private @Nullable Set<BytesRef> words;

  /**
   * Creates a finder for a query.
   *
   * @param text the query's text
   * @param query the query's vectors, or null if there are none
   */
  PassageFinder(LegQueries queries, String text, @Nullable Embedding query) {
    this.queries = queries;
    this.text = text;
    this.query = query;
  }

  /** How well a passage fits the query; passages are numbered as in the segment. */
  private interface Fit {
    double of(int passage) throws IOException;
  }

  /**
   * Finds the Lucene document of a document's best passage, the first of equally good ones; where
   * texts are kept whole, the document itself.
   *
   * @param whole the document's text
   * @param legs the legs that found the document
   */
  int find(LeafReaderContext leaf, int doc, String whole, Set<Leg> legs) throws IOException {
    DocumentVectors vectors = queries.vectors().vectorsOf(leaf);
    int first = vectors.firstPassage(doc - leaf.docBase);
    int last = vectors.lastPassage(doc - leaf.docBase);
    if (first == last) {
      return leaf.docBase + first;
    }
    Fit fit = fit(leaf, vectors, whole, legs);
    int best = first;
    double bestFit = Double.NEGATIVE_INFINITY;
    for (int passage = first; passage <= last; passage++) {
      double of = fit.of(passage);
      if (of > bestFit) {
        best = passage;
        bestFit = of;
      }
    }
    return leaf.docBase + best;
  }

  private Fit fit(LeafReaderContext leaf, DocumentVectors vectors, String whole, Set<Leg> legs)
      throws IOException {
    Embedding of = query;
    if (of != null && of.has(Output.DENSE) && legs.contains(Leg.DENSE)) {
      float[] dense = of.dense();
      return passage -> vectors.dense(passage, dense);
    }
    if (of != null && of.has(Output.SPARSE) && legs.contains(Leg.SPARSE)) {
      return passage -> vectors.sparse(passage, of.sparse());
    }
    NumericDocValues places = leaf.reader().getNumericDocValues(SchemaFields.PASSAGE);
    return passage -> {
      Passage at = read(places, passage, whole).orElse(null);
      if (at == null) {
        return 0;
      }
      Set<BytesRef> shared = new HashSet<>(queries.terms(at.text()).keySet());
      shared.retainAll(wordsOfQuery());
      return shared.size();
    };
  }

  private Set<BytesRef> wordsOfQuery() {
    Set<BytesRef> known = words;
    if (known == null) {
      known = queries.terms(text).keySet();
      words = known;
    }
    return known;
  }

  /**
   * The passage that a Lucene document stands for; empty if it is no passage, or stands outside the
   * text, as an index can have it that another program wrote.
   */
  Optional<Passage> at(LeafReaderContext leaf, int passage, String whole) throws IOException {
    NumericDocValues places = leaf.reader().getNumericDocValues(SchemaFields.PASSAGE);
    return read(places, passage - leaf.docBase, whole);
  }

  private static Optional<Passage> read(
      @Nullable NumericDocValues places, int passage, String whole) throws IOException {
    return places != null && places.advanceExact(passage)
        ? PassageOffsets.decode(places.longValue()).in(whole)
        : Optional.empty();
  }
}
