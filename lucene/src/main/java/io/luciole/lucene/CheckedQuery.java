package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.jspecify.annotations.Nullable;

/**
 * A query for a field that must have been written in a certain form: refuses an index of another
 * when it is rewritten, and is then gone. So that a wrong form is an error and no empty answer.
 */
final class CheckedQuery extends Query {
  private final Query query;
  private final String field;
  private final FieldForm form;

  CheckedQuery(Query query, String field, FieldForm form) {
    this.query = query;
    this.field = field;
    this.form = form;
  }

  /**
   * The query itself.
   *
   * @throws IndexException if a segment has the field in another form
   */
  @Override
  public Query rewrite(IndexSearcher searcher) throws IOException {
    for (LeafReaderContext leaf : searcher.getIndexReader().leaves()) {
      form.check(leaf, field);
    }
    return query;
  }

  @Override
  public void visit(QueryVisitor visitor) {
    query.visit(visitor);
  }

  @Override
  public String toString(String defaultField) {
    return query.toString(defaultField);
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o)
        && o instanceof CheckedQuery that
        && query.equals(that.query)
        && field.equals(that.field);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * classHash() + query.hashCode()) + field.hashCode();
  }
}
