package io.luciole.lucene;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A question for counts: of which values of a declared metadata field there are how many documents.
 *
 * @param field the field's name, one of {@link HybridSchema#metadata}
 * @param top how many values are wanted, those of most documents, at least 1; not used with ranges
 * @param ranges the ranges to count documents in; without any, single values are counted
 */
public record Facet(String field, int top, List<MetadataBounds> ranges) {
  /** How many values are counted if nothing is said. */
  public static final int DEFAULT_TOP = 10;

  private static final Set<String> MEMBERS = Set.of("field", "top", "ranges");

  /** Checks the components. */
  public Facet {
    MetadataValues.requireName(field);
    if (top < 1) {
      throw new IllegalArgumentException("top must be at least 1, got " + top);
    }
    ranges = List.copyOf(ranges);
  }

  /**
   * Asks for the ten values of most documents.
   *
   * @param field the field's name
   * @return the question
   */
  public static Facet of(String field) {
    return of(field, DEFAULT_TOP);
  }

  /**
   * Asks for the values of most documents.
   *
   * @param field the field's name
   * @param top how many values, at least 1
   * @return the question
   */
  public static Facet of(String field, int top) {
    return new Facet(field, top, List.of());
  }

  /**
   * Asks for the number of documents in each of some ranges.
   *
   * @param field the name of a field of numbers or dates
   * @param ranges the ranges; they may overlap
   * @return the question
   */
  public static Facet ranges(String field, List<MetadataBounds> ranges) {
    return new Facet(field, DEFAULT_TOP, ranges);
  }

  /**
   * Reads a question as commands and requests have it.
   *
   * @param text a field's name, {@code lang}; with the number of values, {@code lang:20}; or the
   *     JSON of an object as {@link #of(Map)} takes it
   * @return the question
   * @throws IllegalArgumentException if it is none of these
   */
  public static Facet parse(String text) {
    if (text.stripLeading().startsWith("{")) {
      return of(Metadata.readObject(text));
    }
    int colon = text.lastIndexOf(':');
    if (colon < 0) {
      return of(text);
    }
    try {
      return of(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "expected a field and a number of values, such as \"lang:20\", got \"" + text + '"', e);
    }
  }

  /**
   * Takes a question as an object: {@code field}, and {@code top} or {@code ranges}, a list of
   * objects as {@link MetadataBounds#of} takes them.
   *
   * @param object the members by their names
   * @return the question
   * @throws IllegalArgumentException if it has others, or values of other types
   */
  public static Facet of(Map<String, ?> object) {
    Object field = object.get("field");
    Object top = object.containsKey("top") ? object.get("top") : DEFAULT_TOP;
    Object ranges = object.containsKey("ranges") ? object.get("ranges") : List.of();
    if (!MEMBERS.containsAll(object.keySet())
        || !(field instanceof String name)
        || !(top instanceof Integer count)
        || !(ranges instanceof Collection<?> each)) {
      throw new IllegalArgumentException(
          "expected a field with top or ranges, such as {\"field\": \"lang\", \"top\": 20} or"
              + " {\"field\": \"year\", \"ranges\": [{\"lt\": 2000}]}, got "
              + MetadataValues.brief(object));
    }
    return new Facet(name, count, each.stream().map(Facet::range).toList());
  }

  private static MetadataBounds range(Object range) {
    if (!(range instanceof Map<?, ?> map)) {
      throw new IllegalArgumentException(
          "expected a range such as {\"gte\": 1990, \"lt\": 2000}, got "
              + MetadataValues.brief(range));
    }
    Map<String, Object> bounds = new LinkedHashMap<>();
    map.forEach((kind, value) -> bounds.put(String.valueOf(kind), value));
    return MetadataBounds.of(bounds);
  }
}
