package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.Surrogates;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermInSetQuery;

/**
 * Makes filters by metadata and by id, for {@link HybridQuery#filter} and for any search of an
 * application's own over an index of the schema. Safe for use by many threads.
 *
 * <pre>{@code
 * MetadataFilters filters = MetadataFilters.of(searcher.schema());
 * query.filter(filters.parse("""
 *     {"lang": ["en", "de"], "year": {"gte": 1990, "lt": 2000}}"""));
 * query.filter(filters.range("year", MetadataBounds.atLeast(1990).andBelow(2000)));
 * }</pre>
 *
 * <p>A document matches a value if one of its values of that name does. Values of a field that the
 * schema declares ({@link HybridSchema#metadata}) are compared as its type. In other fields,
 * strings are compared whole and numbers by their value (10 equals 10.0); a string of a filter that
 * spells a number or boolean also matches that, and a number or boolean also matches the string
 * that {@link Metadata#text} writes it as. Ranges in other fields look at numbers only, as 64-bit
 * floats; declared fields answer them faster, and know dates.
 *
 * <p>An index of layout 1, made before metadata had types, knows ranges and {@code exists} in
 * declared fields alone; other questions are refused with an {@link IllegalArgumentException} that
 * says so.
 */
public final class MetadataFilters {
  private final MetadataLayout layout;

  private MetadataFilters(MetadataLayout layout) {
    this.layout = layout;
  }

  /**
   * Makes filters for indexes of a schema.
   *
   * @param schema the schema, such as {@link HybridSearcher#schema}
   * @return the filters
   */
  public static MetadataFilters of(HybridSchema schema) {
    return new MetadataFilters(schema.metadataLayout());
  }

  /**
   * Reads a filter from JSON:
   *
   * <pre>
   * {"lang": "en"}                       the value, or one of the values, is equal
   * {"lang": ["en", "de"]}               … to any of these
   * {"lang": {"terms": ["en", "de"]}}    the same
   * {"year": {"gte": 1990, "lt": 2000}}  one value is within all bounds: gt, gte, lt, lte
   * {"lang": {"exists": true}}           there is a value; with false, there is none
   * {"lang": {"prefix": "e"}}            a string begins so
   * {"author": {"name": "Ada"}}          the same as {"author.name": "Ada"}
   * {"$id": ["d1", "d2"]}                the document's id
   * {"$all": […]}, {"$any": […]}, {"$not": {…}}
   * </pre>
   *
   * <p>A document passes if everything in the object holds.
   *
   * @param filter the JSON object
   * @return the filter
   * @throws MetadataFilterException if it is no such object, has an operator that is not known, or
   *     more than 1024 conditions
   */
  public Query parse(String filter) {
    try {
      return parse(Metadata.readObject(requireNonNull(filter, "filter")), "filter");
    } catch (MetadataFilterException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new MetadataFilterException("filter", String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * Reads a filter from the maps, lists and values of a JSON object, as {@link #parse(String)}.
   *
   * @param filter the object
   * @param where what messages call it, such as {@code filter}
   * @return the filter
   * @throws MetadataFilterException as {@link #parse(String)}
   */
  public Query parse(Map<String, ?> filter, String where) {
    return new FilterParser(this).parse(requireNonNull(filter, "filter"), where);
  }

  /** Whether the schema declares a field, so that an object under its name has operators. */
  boolean isTyped(String name) {
    return layout.typed(name).isPresent();
  }

  /** What is wrong with asking for fields within one, if anything. */
  void requireNested(String name) {
    layout.requireNested(name);
  }

  /**
   * Documents with a value.
   *
   * @param name the value's name, with dots where objects are nested
   * @param value a string, number, boolean, instant or date
   * @return the filter
   * @throws IllegalArgumentException if the value does not fit the type of the field
   */
  public Query equal(String name, Object value) {
    return anyOf(name, List.of(value));
  }

  /**
   * Documents with any of some values.
   *
   * @param name the values' name, with dots where objects are nested
   * @param values strings, numbers, booleans, instants or dates; for none of them, nothing matches
   * @return the filter
   * @throws IllegalArgumentException if a value does not fit the type of the field
   */
  public Query anyOf(String name, Collection<?> values) {
    MetadataValues.requireName(name);
    if (values.isEmpty()) {
      return new MatchNoDocsQuery("any of no values of " + name);
    }
    List<Object> known = new ArrayList<>(values.size());
    for (Object value : values) {
      Object normal = MetadataValues.value(name, value);
      if (normal instanceof Map || normal instanceof Collection) {
        throw new IllegalArgumentException(
            "expected a string, number or boolean to compare \""
                + name
                + "\" with, got "
                + MetadataValues.brief(normal));
      }
      known.add(normal);
    }
    return layout
        .typed(name)
        .map(typed -> typed.anyOf(known))
        .orElseGet(() -> layout.anyOf(name, known));
  }

  /**
   * Documents with a value within bounds.
   *
   * @param name the value's name, with dots where objects are nested
   * @param bounds the bounds
   * @return the filter
   * @throws IllegalArgumentException if the field is a keyword or boolean, or a bound is no number
   *     (for dates, no date)
   */
  public Query range(String name, MetadataBounds bounds) {
    MetadataValues.requireName(name);
    return layout
        .typed(name)
        .map(typed -> typed.range(bounds))
        .orElseGet(() -> layout.range(name, bounds));
  }

  /**
   * Documents with any value of a name, or of a name within it: {@code author} exists where {@code
   * author.name} does.
   *
   * @param name the name, with dots where objects are nested
   * @return the filter
   */
  public Query exists(String name) {
    MetadataValues.requireName(name);
    return layout.exists(name);
  }

  /**
   * Documents with a string that begins with a prefix.
   *
   * @param name the string's name, with dots where objects are nested
   * @param prefix how it begins, in the same case; at most 113 bytes in UTF-8, in a declared
   *     keyword 8192
   * @return the filter
   * @throws IllegalArgumentException if the prefix is longer, or the field has another type
   */
  public Query prefix(String name, String prefix) {
    MetadataValues.requireName(name);
    return layout
        .typed(name)
        .map(typed -> typed.prefix(prefix))
        .orElseGet(() -> layout.prefix(name, prefix));
  }

  /**
   * Documents with a string that has a part in it.
   *
   * @param name the strings' name, with dots where objects are nested
   * @param part the part, in the same case; at most 1024 bytes in UTF-8
   * @return the filter; of strings of more than 32,766 bytes in a declared keyword it sees the
   *     first 8192 only. It looks at all different strings of the name
   * @throws IllegalArgumentException if the part is longer, or the field has another type
   */
  public Query contains(String name, String part) {
    return strings(name, StringMatches.containing(requireNonNull(part, "part")));
  }

  /**
   * Documents with a string within bounds, in the order of Unicode's code points: {@code Z} comes
   * before {@code a}. {@link #range} compares numbers and dates.
   *
   * @param name the strings' name, with dots where objects are nested
   * @param bounds the bounds, which are strings
   * @return the filter; of strings of more than 32,766 bytes in a declared keyword it sees the
   *     first 8192 only
   * @throws IllegalArgumentException if a bound is no string, or the field has another type
   */
  public Query stringRange(String name, MetadataBounds bounds) {
    return strings(name, StringMatches.within(name, bounds));
  }

  private Query strings(String name, StringMatches strings) {
    MetadataValues.requireName(name);
    return layout
        .typed(name)
        .map(typed -> typed.strings(strings))
        .orElseGet(() -> layout.strings(name, strings));
  }

  /**
   * Documents with one of some ids.
   *
   * @param ids the ids
   * @return the filter
   */
  public static Query ids(Collection<String> ids) {
    return ids(SchemaFields.ID, ids);
  }

  /**
   * Documents with one of some ids, in a field of ids that has terms. No document has an id with
   * half of a surrogate pair, whose bytes would be those of another id.
   */
  static Query ids(String field, Collection<String> ids) {
    return new TermInSetQuery(
        field,
        ids.stream().filter(id -> Surrogates.halfAt(id) < 0).map(DocumentIds::bytes).toList());
  }

  /**
   * Documents that a filter does not match.
   *
   * @param filter the filter
   * @return its opposite
   */
  public static Query not(Query filter) {
    return new BooleanQuery.Builder()
        .add(LegQueries.everything(), Occur.FILTER)
        .add(requireNonNull(filter, "filter"), Occur.MUST_NOT)
        .build();
  }
}
