package io.luciole.lucene;

import java.util.Locale;

/**
 * A declared metadata field to order hits by. Of a document with several values the least counts in
 * ascending order and the greatest in descending order. Documents without a value come last in
 * both. Keywords are in the order of their Unicode code points, false is before true.
 *
 * @param field the field's name, one of {@link HybridSchema#metadata}, or {@link #ID}
 * @param descending whether the greatest value comes first
 */
public record MetadataSort(String field, boolean descending) {
  /** In the place of a field: the documents' ids, in the order of their Unicode code points. */
  public static final String ID = "$id";

  /** Checks the components. */
  public MetadataSort {
    MetadataValues.requireName(field);
  }

  /**
   * Orders from the least value on.
   *
   * @param field the field's name
   * @return the order
   */
  public static MetadataSort ascending(String field) {
    return new MetadataSort(field, false);
  }

  /**
   * Orders from the greatest value on.
   *
   * @param field the field's name
   * @return the order
   */
  public static MetadataSort descending(String field) {
    return new MetadataSort(field, true);
  }

  /**
   * Reads an order as commands and requests have it.
   *
   * @param text {@code year} or {@code year:asc} for ascending order, {@code year:desc} for
   *     descending order
   * @return the order
   * @throws IllegalArgumentException if what follows the last colon is neither, or there is no name
   */
  public static MetadataSort parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 0) {
      return ascending(text);
    }
    String field = text.substring(0, colon);
    return switch (text.substring(colon + 1).toLowerCase(Locale.ROOT)) {
      case "asc" -> ascending(field);
      case "desc" -> descending(field);
      default ->
          throw new IllegalArgumentException(
              "expected a field and asc or desc, such as \"year:desc\", got \"" + text + '"');
    };
  }
}
