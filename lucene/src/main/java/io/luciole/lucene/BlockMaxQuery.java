package io.luciole.lucene;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.BulkScorer;
import org.apache.lucene.search.ConstantScoreScorer;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.FilterWeight;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.LeafCollector;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.Scorable;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.ScorerSupplier;
import org.apache.lucene.search.TopScoreDocCollector;
import org.apache.lucene.search.Weight;
import org.apache.lucene.search.join.BitSetProducer;
import org.apache.lucene.util.BitSet;
import org.apache.lucene.util.Bits;
import org.jspecify.annotations.Nullable;

/**
 * The documents that share tokens with a query, of which the best k are wanted. Where it is
 * searched by itself for the best by score, a segment whose postings are those of {@link
 * BlockPostingsFormat} is searched by {@link BlockMaxSearch}, which collects the segment's best k
 * and no others. In all other cases, such as counting, sorting by a field, or as a clause of
 * another query, it is the query it is made from.
 *
 * <p>Lucene does not tell a query whether it is searched by itself. Exclusions and block joins,
 * which leave out documents or make one of several, so that the best k would not do, show by asking
 * for numbers of documents below a bound: only searchers ask for a segment without one. A search
 * with a timeout asks for parts, too; {@link Search#alone} says that nothing else does.
 */
final class BlockMaxQuery extends Query {
  /** Superblocks times terms that a search may keep in memory, each of about 64 bytes. */
  private static final long MOST_BOUNDS = 2 << 20;

  /**
   * What is searched.
   *
   * @param field has postings of {@link ImpactPostings}
   * @param k how many documents are wanted, at least 1
   * @param documents finds the documents that follow their passages and are found in place of them;
   *     null where each document has weights itself
   * @param alone whether the query is a clause of no other
   */
  record Search(
      String field,
      SparseVector vector,
      int scale,
      int k,
      @Nullable BitSetProducer documents,
      boolean alone) {}

  private final Search search;
  private final @Nullable Query filter;
  private final Query all;

  /**
   * Creates a query.
   *
   * @param filter what the documents must match, or null for anything
   * @param all the same documents with the same scores, filter included
   */
  BlockMaxQuery(Search search, @Nullable Query filter, Query all) {
    this.search = search;
    this.filter = filter;
    this.all = all;
  }

  @Override
  public Query rewrite(IndexSearcher searcher) throws IOException {
    Query allowed = filter == null ? null : filter.rewrite(searcher);
    Query rewritten = all.rewrite(searcher);
    return rewritten.equals(all) && Objects.equals(allowed, filter)
        ? this
        : new BlockMaxQuery(search, allowed, rewritten);
  }

  @Override
  public Weight createWeight(IndexSearcher searcher, ScoreMode scoreMode, float boost)
      throws IOException {
    Weight every = searcher.createWeight(all, scoreMode, boost);
    if (scoreMode != ScoreMode.TOP_SCORES) {
      return every;
    }
    Weight accepted =
        filter == null ? null : searcher.createWeight(filter, ScoreMode.COMPLETE_NO_SCORES, 1);
    SharedScore shared = new SharedScore();
    return new FilterWeight(this, every) {
      @Override
      public @Nullable ScorerSupplier scorerSupplier(LeafReaderContext leaf) throws IOException {
        List<BlockCursor.Term> terms = terms(leaf.reader(), boost);
        if (terms == null) {
          return in.scorerSupplier(leaf);
        }
        ScorerSupplier allowed = null;
        if (accepted != null) {
          allowed = accepted.scorerSupplier(leaf);
          if (allowed == null) {
            return null;
          }
        }
        return terms.isEmpty() ? null : new Supplier(in, leaf, terms, allowed, shared);
      }
    };
  }

  /** The query's terms that a segment has; null where the search is left to Lucene. */
  private @Nullable List<BlockCursor.Term> terms(LeafReader segment, float boost)
      throws IOException {
    Terms terms = segment.terms(search.field());
    if (terms == null) {
      return List.of();
    }
    TermsEnum at = terms.iterator();
    List<BlockCursor.Term> found = new ArrayList<>();
    float least = Float.POSITIVE_INFINITY;
    double sum = 0;
    SparseVector vector = search.vector();
    for (int i = 0; i < vector.size(); i++) {
      if (!at.seekExact(ImpactPostings.termOf(vector.id(i)))) {
        continue;
      }
      if (!(at.postings(null, PostingsEnum.NONE) instanceof BlockPostings postings)) {
        return null;
      }
      float weight = vector.weight(i) * boost / search.scale();
      found.add(new BlockCursor.Term(postings.source(), postings.term(), weight));
      least = Math.min(least, weight);
      sum += (double) weight * postings.term().max;
    }
    boolean few = (long) found.size() * segment.maxDoc() <= (MOST_BOUNDS << BlockLayout.SUPER_BITS);
    return found.isEmpty() || (few && BlockMaxSearch.isExact(least, sum)) ? found : null;
  }

  private final class Supplier extends ScorerSupplier {
    private final Weight every;
    private final LeafReaderContext leaf;
    private final List<BlockCursor.Term> terms;
    private final @Nullable ScorerSupplier allowed;
    private final SharedScore shared;
    private boolean topLevel;

    Supplier(
        Weight every,
        LeafReaderContext leaf,
        List<BlockCursor.Term> terms,
        @Nullable ScorerSupplier allowed,
        SharedScore shared) {
      this.every = every;
      this.leaf = leaf;
      this.terms = terms;
      this.allowed = allowed;
      this.shared = shared;
    }

    /** The whole query's, which is made only where it is needed. */
    private ScorerSupplier every() throws IOException {
      ScorerSupplier supplier = every.scorerSupplier(leaf);
      if (supplier == null) {
        return new EmptySupplier();
      }
      if (topLevel) {
        supplier.setTopLevelScoringClause();
      }
      return supplier;
    }

    @Override
    public Scorer get(long leadCost) throws IOException {
      return every().get(leadCost);
    }

    @Override
    public BulkScorer bulkScorer() throws IOException {
      return topLevel ? new BestScorer(this) : every().bulkScorer();
    }

    @Override
    public long cost() {
      long sum = 0;
      for (BlockCursor.Term term : terms) {
        sum += term.term().docFreq;
      }
      return allowed == null ? sum : Math.min(sum, allowed.cost());
    }

    @Override
    public void setTopLevelScoringClause() {
      topLevel = true;
    }
  }

  /** Searches a segment when it is first asked for hits, and hands on its best documents. */
  private final class BestScorer extends BulkScorer {
    private final Supplier supplier;
    private final Current current = new Current();
    private BestDocuments.Scored @Nullable [] best;
    private @Nullable BulkScorer every;

    BestScorer(Supplier supplier) {
      this.supplier = supplier;
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // Bits have no equality of their own.
    public int score(LeafCollector collector, @Nullable Bits accepted, int min, int max)
        throws IOException {
      LeafReader segment = supplier.leaf.reader();
      boolean whole =
          search.alone()
              || (min == 0 && max == DocIdSetIterator.NO_MORE_DOCS && isByScoreAlone(collector));
      if (every != null || !whole || (accepted != null && accepted != segment.getLiveDocs())) {
        // Another set of accepted documents may be defined between min and max only.
        every = every == null ? supplier.every().bulkScorer() : every;
        return every.score(collector, accepted, min, max);
      }
      collector.setScorer(current);
      if (best == null) {
        best = search(accepted);
      }
      for (BestDocuments.Scored hit : best) {
        if (hit.document() >= max) {
          return hit.document();
        }
        if (hit.document() >= min) {
          current.score = hit.score();
          collector.collect(hit.document());
        }
      }
      return DocIdSetIterator.NO_MORE_DOCS;
    }

    /**
     * Whether a collector keeps the best by score and, of equal scores, the first. Others, which
     * sort equal scores by a field or look at documents themselves, get all.
     */
    private static boolean isByScoreAlone(LeafCollector collector) {
      return collector.getClass().getEnclosingClass() == TopScoreDocCollector.class;
    }

    private BestDocuments.Scored[] search(@Nullable Bits live) throws IOException {
      int documents = supplier.leaf.reader().maxDoc();
      BitSet parents =
          search.documents() == null ? null : search.documents().getBitSet(supplier.leaf);
      BlockFilter filtered =
          supplier.allowed == null
              ? null
              : BlockFilter.of(supplier.allowed.get(Long.MAX_VALUE).iterator(), documents, parents);
      List<BlockCursor> cursors = new ArrayList<>(supplier.terms.size());
      double largest = 0;
      for (BlockCursor.Term term : supplier.terms) {
        BlockCursor cursor = BlockCursor.of(term);
        cursors.add(cursor);
        largest += cursor.largest;
      }
      // Of a segment with fewer than k documents, none bounds what is found in others.
      BestDocuments found = new BestDocuments(search.k(), (float) largest, parents != null);
      // What a collector asks for is not shared: a weight may serve others, which keep more.
      new BlockMaxSearch(
              cursors, documents, found, current.least, supplier.shared, live, filtered, parents)
          .run();
      return found.byDocument();
    }

    @Override
    public long cost() {
      return supplier.cost();
    }
  }

  /** Of a segment without a match. */
  private static final class EmptySupplier extends ScorerSupplier {
    @Override
    public Scorer get(long leadCost) {
      return new ConstantScoreScorer(0, ScoreMode.COMPLETE, DocIdSetIterator.empty());
    }

    @Override
    public long cost() {
      return 0;
    }
  }

  /** The hit that is being collected, and what the collector asks for. */
  private static final class Current extends Scorable {
    private float score;
    private float least;

    @Override
    public float score() {
      return score;
    }

    @Override
    public void setMinCompetitiveScore(float score) {
      least = score;
    }
  }

  @Override
  public void visit(QueryVisitor visitor) {
    visitor.visitLeaf(this);
  }

  @Override
  public String toString(String field) {
    return "best " + search.k() + " of " + all.toString(field);
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o)
        && o instanceof BlockMaxQuery that
        && search.k() == that.search.k()
        && search.alone() == that.search.alone()
        && all.equals(that.all);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * classHash() + search.k()) + all.hashCode();
  }
}
