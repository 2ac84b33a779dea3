package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.BulkScorer;
import org.apache.lucene.search.FilterLeafCollector;
import org.apache.lucene.search.FilterWeight;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.LeafCollector;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.ScorerSupplier;
import org.apache.lucene.search.Weight;
import org.apache.lucene.search.join.BitSetProducer;
import org.apache.lucene.search.join.ToParentBlockJoinQuery;
import org.apache.lucene.util.Bits;
import org.jspecify.annotations.Nullable;

/**
 * The documents of the passages that match, with the score of their best passage: Lucene's {@link
 * ToParentBlockJoinQuery}, made safe beside exclusions.
 *
 * <p>The bulk scorer of Lucene 10.6 for a query with {@code MUST_NOT} hands the scorer of what is
 * required a set of accepted documents that lacks the excluded ones and is defined in the window
 * being scored only. Lucene's join asks that set about passages, which may be outside the window,
 * and never about the documents that it returns. Here the join sees the segment's live documents or
 * all, and any other set is asked about the documents that are returned.
 */
final class BestPassageQuery extends Query {
  private final Query join;

  /**
   * Creates a query.
   *
   * @param passages matches passages only
   * @param documents the documents that follow their passages
   */
  BestPassageQuery(Query passages, BitSetProducer documents) {
    this(
        new ToParentBlockJoinQuery(
            passages, documents, org.apache.lucene.search.join.ScoreMode.Max));
  }

  private BestPassageQuery(Query join) {
    this.join = join;
  }

  @Override
  public Query rewrite(IndexSearcher searcher) throws IOException {
    Query rewritten = join.rewrite(searcher);
    return rewritten.equals(join) ? this : new BestPassageQuery(rewritten);
  }

  @Override
  public Weight createWeight(IndexSearcher searcher, ScoreMode scoreMode, float boost)
      throws IOException {
    return new FilterWeight(this, join.createWeight(searcher, scoreMode, boost)) {
      @Override
      public @Nullable ScorerSupplier scorerSupplier(LeafReaderContext leaf) throws IOException {
        ScorerSupplier supplier = in.scorerSupplier(leaf);
        return supplier == null ? null : new Supplier(supplier, leaf.reader().getLiveDocs());
      }
    };
  }

  private static final class Supplier extends ScorerSupplier {
    private final ScorerSupplier join;
    private final @Nullable Bits live;

    Supplier(ScorerSupplier join, @Nullable Bits live) {
      this.join = join;
      this.live = live;
    }

    @Override
    public Scorer get(long leadCost) throws IOException {
      return join.get(leadCost);
    }

    @Override
    public BulkScorer bulkScorer() throws IOException {
      return new DocumentsAccepted(join.bulkScorer(), live);
    }

    @Override
    public long cost() {
      return join.cost();
    }

    @Override
    public void setTopLevelScoringClause() throws IOException {
      join.setTopLevelScoringClause();
    }
  }

  /** Scores by the join, and asks about documents whether they are accepted. */
  private static final class DocumentsAccepted extends BulkScorer {
    private final BulkScorer join;
    private final @Nullable Bits live;

    DocumentsAccepted(BulkScorer join, @Nullable Bits live) {
      this.join = join;
      this.live = live;
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // Bits have no equality of their own.
    public int score(LeafCollector collector, @Nullable Bits accepted, int min, int max)
        throws IOException {
      // A document is deleted together with its passages, so live passages tell live documents.
      if (accepted == null || accepted == live) {
        return join.score(collector, accepted, min, max);
      }
      // Not the live passages alone: a query cache asks for deleted documents, too.
      return join.score(
          new FilterLeafCollector(collector) {
            @Override
            public void collect(int document) throws IOException {
              if (accepted.get(document)) {
                in.collect(document);
              }
            }
          },
          null,
          min,
          max);
    }

    @Override
    public long cost() {
      return join.cost();
    }
  }

  @Override
  public void visit(QueryVisitor visitor) {
    join.visit(visitor);
  }

  @Override
  public String toString(String field) {
    return "best passage of " + join.toString(field);
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o) && o instanceof BestPassageQuery that && join.equals(that.join);
  }

  @Override
  public int hashCode() {
    return 31 * classHash() + join.hashCode();
  }
}
