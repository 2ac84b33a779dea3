package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is made of the documents that a search found, by metadata fields that the schema declares
 * ({@link HybridSchema#metadata}): their order, one hit for each value of a field, and counts.
 * Immutable; each method returns a changed copy.
 *
 * <pre>{@code
 * query.arrange(
 *     Arrangement.NONE.sort(MetadataSort.descending("year")).collapse("author").facet(Facet.of("lang")))
 * }</pre>
 *
 * <p>Sorted are, if the query has words, the documents that its legs find: the first 100 of each
 * leg's list, or as many as {@link HybridQuery#depth} says; pages end with them. A hybrid search
 * has no other set of matches, as every document is near the query to some degree. If the query's
 * text is blank, no leg searches, and all documents that match the filter are listed in the order.
 *
 * @param sort the order, the first field first; documents that are equal in all fields keep the
 *     order of the search, those of a list the order of their ids. Empty for the order of the
 *     search
 * @param collapse a field of each of whose values only the first document is a hit, or empty. Of a
 *     document with several values the least counts; documents without a value are hits each.
 *     Unless a depth or an order is set, legs find more until a page is full; of a list the first
 *     10,000 documents are collapsed
 * @param facets what to count over all documents that match the query's filter
 */
public record Arrangement(List<MetadataSort> sort, Optional<String> collapse, List<Facet> facets) {
  /** The search's own order, nothing collapsed and nothing counted. */
  public static final Arrangement NONE = new Arrangement(List.of(), Optional.empty(), List.of());

  /** Copies the lists. */
  public Arrangement {
    sort = List.copyOf(sort);
    requireNonNull(collapse, "collapse");
    facets = List.copyOf(facets);
  }

  /**
   * Adds a field to order by, after those there are.
   *
   * @param field the field and its direction
   * @return a changed copy
   */
  public Arrangement sort(MetadataSort field) {
    return new Arrangement(plus(sort, field), collapse, facets);
  }

  /**
   * Sets the field of each of whose values one document is a hit.
   *
   * @param field the field's name
   * @return a changed copy
   */
  public Arrangement collapse(String field) {
    return new Arrangement(sort, Optional.of(field), facets);
  }

  /**
   * Adds something to count.
   *
   * @param facet the field and how it is counted
   * @return a changed copy
   */
  public Arrangement facet(Facet facet) {
    return new Arrangement(sort, collapse, plus(facets, facet));
  }

  private static <T> List<T> plus(List<T> list, T more) {
    List<T> longer = new ArrayList<>(list);
    longer.add(requireNonNull(more));
    return longer;
  }
}
