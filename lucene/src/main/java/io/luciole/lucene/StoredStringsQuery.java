package io.luciole.lucene;

import java.io.IOException;
import java.util.Set;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.search.ConstantScoreScorer;
import org.apache.lucene.search.ConstantScoreWeight;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.ScorerSupplier;
import org.apache.lucene.search.TwoPhaseIterator;
import org.apache.lucene.search.Weight;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.ByteRunAutomaton;
import org.jspecify.annotations.Nullable;

/**
 * Documents whose stored metadata has a string that an automaton accepts, among candidates. It
 * reads the metadata of every candidate.
 */
final class StoredStringsQuery extends Query {
  private static final Set<String> METADATA = Set.of(SchemaFields.METADATA);

  private final String name;
  private final Automaton accepted;
  private final ByteRunAutomaton runner;
  private final Query candidates;

  /**
   * Creates a query.
   *
   * @param name the name of the metadata
   * @param accepted accepts the bytes of strings in UTF-8; deterministic
   * @param candidates matches at least the documents that are to be found
   */
  StoredStringsQuery(String name, Automaton accepted, Query candidates) {
    this.name = name;
    this.accepted = accepted;
    this.runner = new ByteRunAutomaton(accepted, true);
    this.candidates = candidates;
  }

  @Override
  public Query rewrite(IndexSearcher searcher) throws IOException {
    Query rewritten = candidates.rewrite(searcher);
    return rewritten.equals(candidates)
        ? super.rewrite(searcher)
        : new StoredStringsQuery(name, accepted, rewritten);
  }

  @Override
  public Weight createWeight(IndexSearcher searcher, ScoreMode scoreMode, float boost)
      throws IOException {
    Weight all = candidates.createWeight(searcher, ScoreMode.COMPLETE_NO_SCORES, 1);
    return new ConstantScoreWeight(this, boost) {
      @Override
      public @Nullable ScorerSupplier scorerSupplier(LeafReaderContext leaf) throws IOException {
        ScorerSupplier some = all.scorerSupplier(leaf);
        if (some == null) {
          return null;
        }
        return new ScorerSupplier() {
          @Override
          public Scorer get(long leadCost) throws IOException {
            return new ConstantScoreScorer(
                score(), scoreMode, verified(some.get(leadCost), leaf.reader().storedFields()));
          }

          @Override
          public long cost() {
            return some.cost();
          }
        };
      }

      @Override
      public boolean isCacheable(LeafReaderContext leaf) {
        return all.isCacheable(leaf);
      }
    };
  }

  private TwoPhaseIterator verified(Scorer candidate, StoredFields stored) {
    return new TwoPhaseIterator(candidate.iterator()) {
      @Override
      public boolean matches() throws IOException {
        return accepts(stored.document(approximation.docID(), METADATA).get(SchemaFields.METADATA));
      }

      @Override
      public float matchCost() {
        return 10_000; // A compressed block is read and a JSON object parsed.
      }
    };
  }

  private boolean accepts(@Nullable String metadata) {
    return metadata != null
        && Metadata.parse(metadata).all(name).stream()
            .anyMatch(value -> value instanceof String text && accepts(new BytesRef(text)));
  }

  private boolean accepts(BytesRef bytes) {
    return runner.run(bytes.bytes, bytes.offset, bytes.length);
  }

  @Override
  public void visit(QueryVisitor visitor) {
    visitor.visitLeaf(this);
  }

  @Override
  public String toString(String field) {
    return "stored strings of " + name + " among " + candidates;
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o)
        && o instanceof StoredStringsQuery that
        && name.equals(that.name)
        && candidates.equals(that.candidates)
        && runner.equals(that.runner);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * classHash() + name.hashCode()) + candidates.hashCode();
  }
}
