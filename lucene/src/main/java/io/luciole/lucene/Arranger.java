package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;
import org.jspecify.annotations.Nullable;

/** Does what an {@link Arrangement} says with what a search found. Immutable. */
final class Arranger {
  private final Arrangement how;
  private final List<SortField> order;
  private final @Nullable TypedField collapse;
  private final List<TypedField> counted;

  /**
   * Creates an arranger.
   *
   * @param how what is wanted
   * @param schema declares the fields, or null if nothing does
   * @throws IllegalArgumentException if the schema does not declare a field that is named
   */
  Arranger(Arrangement how, @Nullable HybridSchema schema) {
    this.how = how;
    this.order = how.sort().stream().map(by -> order(by, schema)).toList();
    this.collapse = how.collapse().map(name -> declared("collapse", name, schema)).orElse(null);
    this.counted =
        how.facets().stream().map(facet -> declared("count", facet.field(), schema)).toList();
  }

  private static SortField order(MetadataSort by, @Nullable HybridSchema schema) {
    return schema != null && by.field().equals(MetadataSort.ID)
        ? new SortField(SchemaFields.ID, SortField.Type.STRING_VAL, by.descending())
        : FieldValues.order(declared("sort", by.field(), schema), by.descending());
  }

  private static TypedField declared(String verb, String name, @Nullable HybridSchema schema) {
    Map<String, MetadataType> types = schema == null ? Map.of() : schema.metadata();
    MetadataType type = types.get(name);
    if (type == null) {
      throw new IllegalArgumentException(
          "expected a field that the schema declares to "
              + verb
              + " by, got \""
              + name
              + "\"; it declares "
              + (types.isEmpty() ? "none" : types)
              + ". Fields get a type when the index is made, such as "
              + name
              + "=keyword among its metadata types");
    }
    return new TypedField(name, type);
  }

  /** Whether the ranking is another than the search's. */
  boolean sorts() {
    return !order.isEmpty();
  }

  /** Whether a ranking can become shorter. */
  boolean collapses() {
    return collapse != null;
  }

  /** A ranking in the order that is wanted, collapsed. */
  List<Reranker.Ranked> arrange(IndexSearcher searcher, List<Reranker.Ranked> ranking)
      throws IOException {
    List<Reranker.Ranked> sorted = sorts() ? sort(searcher, ranking) : ranking;
    return collapse == null ? sorted : collapse(searcher.getIndexReader(), sorted, collapse);
  }

  /** Lucene sorts; where all fields are equal, by places of the ranking in the place of scores. */
  private List<Reranker.Ranked> sort(IndexSearcher searcher, List<Reranker.Ranked> ranking)
      throws IOException {
    if (ranking.isEmpty()) {
      return ranking;
    }
    ScoreDoc[] places = new ScoreDoc[ranking.size()];
    Map<Integer, Reranker.Ranked> byDoc = new HashMap<>();
    for (int i = 0; i < places.length; i++) {
      int doc = ranking.get(i).entry().doc();
      places[i] = new ScoreDoc(doc, places.length - i);
      byDoc.put(doc, ranking.get(i));
    }
    TopDocs all = new TopDocs(new TotalHits(places.length, TotalHits.Relation.EQUAL_TO), places);
    Query found = new RankedDocsQuery(searcher.getIndexReader(), all);
    List<Reranker.Ranked> sorted = new ArrayList<>();
    for (ScoreDoc hit :
        searcher.search(found, places.length, orderThen(SortField.FIELD_SCORE)).scoreDocs) {
      Reranker.Ranked ranked = byDoc.get(hit.doc);
      if (ranked != null) {
        sorted.add(ranked);
      }
    }
    return sorted;
  }

  private Sort orderThen(SortField last) {
    List<SortField> fields = new ArrayList<>(order);
    fields.add(last);
    return new Sort(fields.toArray(SortField[]::new));
  }

  /** The first documents of a query in the order that is wanted, then in that of their ids. */
  TopDocs list(IndexSearcher searcher, Query documents, int count, String idField)
      throws IOException {
    Sort sort = orderThen(DocumentIds.order(searcher.getIndexReader(), idField));
    return searcher.search(documents, Math.max(1, count), sort);
  }

  private static List<Reranker.Ranked> collapse(
      IndexReader reader, List<Reranker.Ranked> ranking, TypedField field) throws IOException {
    Map<Integer, Object> values = new HashMap<>();
    SegmentCursor<FieldValues> segments =
        new SegmentCursor<>(reader, leaf -> FieldValues.open(leaf.reader(), field));
    for (int doc :
        ranking.stream().map(r -> r.entry().doc()).sorted(Comparator.naturalOrder()).toList()) {
      FieldValues of = segments.advance(doc);
      Object value = of.least(doc - segments.base());
      if (value != null) {
        values.put(doc, value);
      }
    }
    Set<Object> seen = new HashSet<>();
    return ranking.stream()
        .filter(ranked -> {
          Object value = values.get(ranked.entry().doc());
          return value == null || seen.add(value);
        })
        .toList();
  }

  /** The counts that are wanted, over the documents of a query. */
  List<FacetCounts> counts(IndexSearcher searcher, Query documents) throws IOException {
    List<FacetCounts> counts = new ArrayList<>();
    for (int i = 0; i < counted.size(); i++) {
      counts.add(FacetCounter.count(searcher, documents, counted.get(i), how.facets().get(i)));
    }
    return counts;
  }
}
