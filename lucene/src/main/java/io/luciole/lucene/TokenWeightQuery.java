package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.ScorerSupplier;
import org.apache.lucene.search.TermScorer;
import org.apache.lucene.search.Weight;
import org.apache.lucene.search.similarities.Similarity.SimScorer;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * Finds the documents with a token and scores them by the product of its weight in the query and in
 * the document, independent of the searcher's similarity. Lucene skips blocks of postings whose
 * impacts show that they cannot be among the best.
 */
final class TokenWeightQuery extends Query {
  private final String field;
  private final int tokenId;
  private final float weight;
  private final int scale;

  TokenWeightQuery(String field, int tokenId, float weight, int scale) {
    this.field = field;
    this.tokenId = tokenId;
    this.weight = weight;
    this.scale = scale;
  }

  /** The product for a frequency. The scale is a power of two, so only one operation rounds. */
  private static final class Product extends SimScorer {
    private final float factor;

    Product(float factor) {
      this.factor = factor;
    }

    @Override
    public float score(float frequency, long norm) {
      return factor * frequency;
    }
  }

  /** Scores all postings, where Lucene (10.0) has no scorer that skips some of them. */
  private static final class FrequencyScorer extends Scorer {
    private final PostingsEnum postings;
    private final SimScorer product;

    FrequencyScorer(PostingsEnum postings, SimScorer product) {
      this.postings = postings;
      this.product = product;
    }

    @Override
    public int docID() {
      return postings.docID();
    }

    @Override
    public DocIdSetIterator iterator() {
      return postings;
    }

    @Override
    public float getMaxScore(int upTo) {
      return Float.POSITIVE_INFINITY;
    }

    @Override
    public float score() throws IOException {
      return product.score(postings.freq(), 1);
    }
  }

  @Override
  public Weight createWeight(IndexSearcher searcher, ScoreMode scoreMode, float boost) {
    SimScorer product = new Product(weight * boost / scale);
    BytesRef term = ImpactPostings.termOf(tokenId);
    return new Weight(this) {
      @Override
      public @Nullable ScorerSupplier scorerSupplier(LeafReaderContext context) throws IOException {
        Terms terms = context.reader().terms(field);
        if (terms == null) {
          return null;
        }
        TermsEnum at = terms.iterator();
        if (!at.seekExact(term)) {
          return null;
        }
        int documents = at.docFreq();
        return new ScorerSupplier() {
          private boolean topLevel;

          @Override
          public Scorer get(long leadCost) throws IOException {
            if (!LuceneRange.TERM_SCORERS.isThere()) {
              return new FrequencyScorer(at.postings(null, PostingsEnum.FREQS), product);
            }
            return scoreMode == ScoreMode.TOP_SCORES
                ? new TermScorer(at.impacts(PostingsEnum.FREQS), product, null, topLevel)
                : new TermScorer(at.postings(null, PostingsEnum.FREQS), product, null);
          }

          @Override
          public long cost() {
            return documents;
          }

          @Override
          public void setTopLevelScoringClause() {
            topLevel = true;
          }
        };
      }

      @Override
      public Explanation explain(LeafReaderContext context, int doc) throws IOException {
        Scorer scorer = scorer(context);
        if (scorer == null || scorer.iterator().advance(doc) != doc) {
          return Explanation.noMatch("no token " + tokenId);
        }
        float score = scorer.score();
        return Explanation.match(
            score,
            "token " + tokenId + ", product of:",
            Explanation.match(weight, "weight in the query"),
            Explanation.match(score / (weight * boost), "weight in the document"));
      }

      @Override
      public boolean isCacheable(LeafReaderContext context) {
        return true;
      }
    };
  }

  @Override
  public void visit(QueryVisitor visitor) {
    if (visitor.acceptField(field)) {
      visitor.visitLeaf(this);
    }
  }

  @Override
  public String toString(String defaultField) {
    return field + ":" + tokenId + "^" + weight;
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o)
        && o instanceof TokenWeightQuery that
        && field.equals(that.field)
        && tokenId == that.tokenId
        && Float.floatToIntBits(weight) == Float.floatToIntBits(that.weight)
        && scale == that.scale;
  }

  @Override
  public int hashCode() {
    int hash = 31 * classHash() + field.hashCode();
    return 31 * (31 * (31 * hash + tokenId) + Float.hashCode(weight)) + scale;
  }
}
