package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Weight;
import org.jspecify.annotations.Nullable;

/**
 * A disjunction of any number of clauses, whose score is their sum, among the documents of a
 * filter.
 *
 * <p>It stays one clause until its weight is made, so {@link IndexSearcher#getMaxClauseCount} does
 * not bound it. Then the filter stands beside the clauses with at least one required: without that
 * Lucene would return what matches the filter alone, and more slowly.
 */
final class DisjunctionSumQuery extends Query {
  /** Clauses of one boolean query; more are nested. */
  private static final int FAN_OUT = 1024;

  private final String name;
  private final List<Query> clauses;
  private final @Nullable Query filter;

  /**
   * Creates a disjunction.
   *
   * @param name what {@code toString} calls it
   * @param clauses what is looked for
   */
  DisjunctionSumQuery(String name, List<Query> clauses, @Nullable Query filter) {
    this.name = name;
    this.clauses = List.copyOf(clauses);
    this.filter = filter;
  }

  @Override
  public Query rewrite(IndexSearcher searcher) throws IOException {
    if (clauses.isEmpty()) {
      return new MatchNoDocsQuery(name + " without terms");
    }
    Query allowed = filter == null ? null : filter.rewrite(searcher);
    List<Query> rewritten = new ArrayList<>(clauses.size());
    for (Query clause : clauses) {
      rewritten.add(clause.rewrite(searcher));
    }
    return rewritten.equals(clauses) && Objects.equals(allowed, filter)
        ? this
        : new DisjunctionSumQuery(name, rewritten, allowed);
  }

  @Override
  public Weight createWeight(IndexSearcher searcher, ScoreMode scoreMode, float boost)
      throws IOException {
    BooleanQuery.Builder all = new BooleanQuery.Builder().setMinimumNumberShouldMatch(1);
    int fanOut = Math.min(FAN_OUT, IndexSearcher.getMaxClauseCount());
    if (filter != null) {
      all.add(filter, Occur.FILTER);
      fanOut--;
    }
    for (Query query : nest(clauses, Math.max(2, fanOut))) {
      all.add(query, Occur.SHOULD);
    }
    return searcher.createWeight(all.build(), scoreMode, boost);
  }

  private static List<Query> nest(List<Query> queries, int fanOut) {
    List<Query> level = queries;
    while (level.size() > fanOut) {
      List<Query> above = new ArrayList<>();
      for (int from = 0; from < level.size(); from += fanOut) {
        BooleanQuery.Builder part = new BooleanQuery.Builder();
        level
            .subList(from, Math.min(level.size(), from + fanOut))
            .forEach(query -> part.add(query, Occur.SHOULD));
        above.add(part.build());
      }
      level = above;
    }
    return level;
  }

  @Override
  public void visit(QueryVisitor visitor) {
    visitor.visitLeaf(this);
  }

  @Override
  public String toString(String field) {
    return name + "[" + clauses.size() + " terms" + (filter == null ? "]" : ", " + filter + "]");
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o)
        && o instanceof DisjunctionSumQuery that
        && clauses.equals(that.clauses)
        && (filter == null ? that.filter == null : filter.equals(that.filter));
  }

  @Override
  public int hashCode() {
    return 31 * (31 * classHash() + clauses.hashCode()) + (filter == null ? 0 : filter.hashCode());
  }
}
