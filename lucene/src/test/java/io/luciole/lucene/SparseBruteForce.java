package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.util.ArrayUtil;
import org.apache.lucene.util.Bits;
import org.jspecify.annotations.Nullable;

/**
 * The best documents by sparse weights of a view, by a plain computation over all of them. The
 * field "number" has each document's number; that of one found in place of its passages ends in 0.
 */
final class SparseBruteForce {
  private final IndexSearcher searcher;
  private final int count;

  /** The documents that count, and of each that in place of which it is found. */
  private final boolean[] live;

  private final int[] foundAs;

  private final Map<Integer, Postings> postings = new HashMap<>();
  private final double[] sums;

  /** The documents of a token and their frequencies. */
  private static final class Postings {
    private int[] documents = new int[4];
    private int[] frequencies = new int[4];
    private int size;

    void add(int document, int frequency) {
      documents = ArrayUtil.grow(documents, size + 1);
      frequencies = ArrayUtil.grow(frequencies, size + 1);
      documents[size] = document;
      frequencies[size++] = frequency;
    }
  }

  /** Reads the view; {@code vectors} are its documents' weights by their numbers. */
  SparseBruteForce(IndexSearcher searcher, Map<Long, SparseVector> vectors, boolean passages)
      throws IOException {
    this.searcher = searcher;
    this.count = searcher.getIndexReader().maxDoc();
    this.live = new boolean[count];
    this.foundAs = new int[count];
    this.sums = new double[count];
    for (LeafReaderContext leaf : searcher.getIndexReader().leaves()) {
      NumericDocValues numbers = leaf.reader().getNumericDocValues("number");
      Bits kept = leaf.reader().getLiveDocs();
      int first = leaf.docBase;
      for (int d = 0; d < leaf.reader().maxDoc(); d++) {
        assertThat(numbers.nextDoc()).isEqualTo(d);
        int document = leaf.docBase + d;
        live[document] = kept == null || kept.get(d);
        add(document, vectors.get(numbers.longValue()));
        if (!passages || numbers.longValue() % 10 == 0) {
          Arrays.fill(foundAs, first, document + 1, document);
          first = document + 1;
        }
      }
    }
  }

  private void add(int document, @Nullable SparseVector vector) {
    for (int i = 0; vector != null && i < vector.size(); i++) {
      postings
          .computeIfAbsent(vector.id(i), id -> new Postings())
          .add(document, Math.round(vector.weight(i) * 256));
    }
  }

  List<ScoreDoc> best(SparseVector query, int k, @Nullable Query filter) throws IOException {
    boolean[] accepted = new boolean[count];
    Arrays.fill(accepted, filter == null);
    if (filter != null) {
      for (ScoreDoc hit : searcher.search(filter, count).scoreDocs) {
        accepted[hit.doc] = true;
      }
    }
    Arrays.fill(sums, 0);
    for (int i = 0; i < query.size(); i++) {
      Postings of = postings.getOrDefault(query.id(i), new Postings());
      for (int p = 0; p < of.size; p++) {
        sums[of.documents[p]] += query.weight(i) / 256 * of.frequencies[p];
      }
    }
    double[] best = new double[count];
    for (int d = 0; d < count; d++) {
      best[foundAs[d]] = Math.max(best[foundAs[d]], live[d] ? sums[d] : 0);
    }
    List<ScoreDoc> hits = new ArrayList<>();
    for (int d = 0; d < count; d++) {
      if (best[d] > 0 && accepted[d] && live[d]) {
        hits.add(new ScoreDoc(d, (float) best[d]));
      }
    }
    hits.sort(
        Comparator.<ScoreDoc>comparingDouble(hit -> -hit.score).thenComparingInt(hit -> hit.doc));
    return hits.subList(0, Math.min(k, hits.size()));
  }
}
