package io.luciole.lucene;

import java.util.Arrays;
import java.util.Comparator;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.ScorerSupplier;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.Weight;
import org.jspecify.annotations.Nullable;

/**
 * Matches the documents of a list with the scores that the list gives them, so that what a hybrid
 * search or a {@link Fusion} found can be sorted by a field, counted by facets, grouped, or made a
 * clause of another query:
 *
 * <pre>{@code
 * Query found = new RankedDocsQuery(searcher.getIndexReader(), result.docs());
 * searcher.search(found, 10, new Sort(new SortField("price", SortField.Type.LONG)));
 * }</pre>
 *
 * <p>It belongs to one view of an index, whose numbers the documents have. Immutable.
 */
public final class RankedDocsQuery extends Query {
  private final Object view;
  private final int[] docs;
  private final float[] scores;

  /**
   * Creates a query.
   *
   * @param reader the view of the index in which the documents were found
   * @param hits the documents, each once
   */
  public RankedDocsQuery(IndexReader reader, TopDocs hits) {
    ScoreDoc[] ascending = hits.scoreDocs.clone();
    Arrays.sort(ascending, Comparator.comparingInt(hit -> hit.doc));
    this.view = reader.getContext().id();
    this.docs = new int[ascending.length];
    this.scores = new float[ascending.length];
    for (int i = 0; i < docs.length; i++) {
      docs[i] = ascending[i].doc;
      scores[i] = ascending[i].score;
    }
  }

  @Override
  public Weight createWeight(IndexSearcher searcher, ScoreMode scoreMode, float boost) {
    if (!searcher.getIndexReader().getContext().id().equals(view)) {
      throw new IllegalStateException(
          "expected the view of the index in which the documents were found, got another;"
              + " run the query with the searcher that found them");
    }
    return new Weight(this) {
      @Override
      public @Nullable ScorerSupplier scorerSupplier(LeafReaderContext leaf) {
        int from = place(leaf.docBase);
        int to = place(leaf.docBase + leaf.reader().maxDoc());
        return from == to ? null : new Slice(from, to, leaf.docBase, boost);
      }

      @Override
      public Explanation explain(LeafReaderContext leaf, int doc) {
        int at = Arrays.binarySearch(docs, leaf.docBase + doc);
        return at < 0
            ? Explanation.noMatch("not in the list")
            : Explanation.match(scores[at] * boost, "score in the list");
      }

      @Override
      public boolean isCacheable(LeafReaderContext leaf) {
        return true;
      }
    };
  }

  /** The first place of a document that is not before another. */
  private int place(int doc) {
    int at = Arrays.binarySearch(docs, doc);
    return at < 0 ? -at - 1 : at;
  }

  /** The documents of one segment, at some places of the arrays. */
  private final class Slice extends ScorerSupplier {
    private final int from;
    private final int to;
    private final int base;
    private final float boost;

    Slice(int from, int to, int base, float boost) {
      this.from = from;
      this.to = to;
      this.base = base;
      this.boost = boost;
    }

    @Override
    public long cost() {
      return (long) to - from;
    }

    @Override
    public Scorer get(long leadCost) {
      return new Scorer() {
        private final Cursor cursor = new Cursor();

        @Override
        public int docID() {
          return cursor.docID();
        }

        @Override
        public DocIdSetIterator iterator() {
          return cursor;
        }

        @Override
        public float getMaxScore(int upTo) {
          float most = 0;
          for (int i = from; i < to; i++) {
            most = Math.max(most, scores[i] * boost);
          }
          return most;
        }

        @Override
        public float score() {
          return scores[cursor.at] * boost;
        }
      };
    }

    private final class Cursor extends DocIdSetIterator {
      private int at = from - 1;

      @Override
      public int docID() {
        return at < from ? -1 : at < to ? docs[at] - base : NO_MORE_DOCS;
      }

      @Override
      public int nextDoc() {
        at++;
        return docID();
      }

      @Override
      public int advance(int target) {
        int next = target >= NO_MORE_DOCS - base ? to : place(base + target);
        at = Math.min(Math.max(next, at + 1), to);
        return docID();
      }

      @Override
      public long cost() {
        return Slice.this.cost();
      }
    }
  }

  @Override
  public void visit(QueryVisitor visitor) {
    visitor.visitLeaf(this);
  }

  @Override
  public String toString(String field) {
    return "ranked[" + docs.length + " documents]";
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o)
        && o instanceof RankedDocsQuery that
        && view.equals(that.view)
        && Arrays.equals(docs, that.docs)
        && Arrays.equals(scores, that.scores);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * classHash() + view.hashCode()) + Arrays.hashCode(docs);
  }
}
