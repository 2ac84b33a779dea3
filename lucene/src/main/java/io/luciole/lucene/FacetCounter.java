package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Collector;
import org.apache.lucene.search.CollectorManager;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.LeafCollector;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Scorable;
import org.apache.lucene.search.ScoreMode;

/**
 * Counts the values of a field over the documents of a query, in each segment by the numbers that
 * doc values have there, on the searcher's threads.
 */
final class FacetCounter implements CollectorManager<FacetCounter.Counts, FacetCounts> {
  private static final Comparator<FacetCounts.Value> MOST_FIRST =
      Comparator.comparingLong(FacetCounts.Value::count)
          .reversed()
          .thenComparing(FacetCounter::compareValues);

  private final TypedField field;
  private final int top;

  private FacetCounter(TypedField field, int top) {
    this.field = field;
    this.top = top;
  }

  /** Answers one question over the documents of a query. */
  static FacetCounts count(IndexSearcher searcher, Query documents, TypedField field, Facet facet)
      throws IOException {
    if (facet.ranges().isEmpty()) {
      return searcher.search(documents, new FacetCounter(field, facet.top()));
    }
    List<FacetCounts.Value> values = new ArrayList<>();
    for (MetadataBounds range : facet.ranges()) {
      long count = searcher.count(both(documents, field.range(range)));
      values.add(new FacetCounts.Value(range, count));
    }
    long any = searcher.count(both(documents, field.exists()));
    return new FacetCounts(facet.field(), values, any, values.size());
  }

  private static Query both(Query documents, Query more) {
    return new BooleanQuery.Builder().add(documents, Occur.FILTER).add(more, Occur.FILTER).build();
  }

  /** Values of one field are of one class. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static int compareValues(FacetCounts.Value a, FacetCounts.Value b) {
    return ((Comparable) a.value()).compareTo(b.value());
  }

  @Override
  public Counts newCollector() {
    return new Counts();
  }

  @Override
  public FacetCounts reduce(Collection<Counts> parts) {
    Map<Object, Long> all = new HashMap<>();
    long documents = 0;
    for (Counts part : parts) {
      part.values.forEach((value, count) -> all.merge(value, count, Long::sum));
      documents += part.documents;
    }
    List<FacetCounts.Value> values = new ArrayList<>(all.size());
    all.forEach((value, count) -> values.add(new FacetCounts.Value(value, count)));
    values.sort(MOST_FIRST);
    return new FacetCounts(
        field.name(), values.subList(0, Math.min(top, values.size())), documents, values.size());
  }

  /** What one thread counts, segment after segment. */
  final class Counts implements Collector {
    private final Map<Object, Long> values = new HashMap<>();
    private long documents;

    @Override
    public LeafCollector getLeafCollector(LeafReaderContext leaf) throws IOException {
      FieldValues of = FieldValues.open(leaf.reader(), field);
      return new LeafCollector() {
        @Override
        public void setScorer(Scorable scorer) {}

        @Override
        public void collect(int doc) throws IOException {
          of.count(doc);
        }

        @Override
        public void finish() throws IOException {
          documents += of.addCounts(values);
        }
      };
    }

    @Override
    public ScoreMode scoreMode() {
      return ScoreMode.COMPLETE_NO_SCORES;
    }
  }
}
