package io.luciole.lucene;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/**
 * Reads the filters that {@link MetadataFilters#parse(String)} documents. One instance reads one
 * filter.
 */
final class FilterParser {
  private static final int MAX_CONDITIONS = 1024;

  private static final List<String> BOUNDS = List.of("gt", "gte", "lt", "lte");

  private static final List<String> OPERATORS =
      List.of("gt", "gte", "lt", "lte", "exists", "terms", "prefix");

  private static final List<String> JUNCTIONS = List.of("$id", "$all", "$any", "$not");

  /**
   * Operators of other search engines and databases. Under a field's name they are taken for a
   * mistake, not for the name of a field within it.
   */
  private static final Set<String> FOREIGN =
      Set.of(
          "eq",
          "ne",
          "neq",
          "in",
          "nin",
          "not",
          "is",
          "and",
          "or",
          "all",
          "any",
          "term",
          "match",
          "contains",
          "wildcard",
          "regex",
          "regexp",
          "like",
          "fuzzy",
          "range",
          "between",
          "min",
          "max",
          "from",
          "to",
          "starts_with",
          "startswith",
          "begins_with",
          "missing");

  private final MetadataFilters filters;
  private int conditions;

  FilterParser(MetadataFilters filters) {
    this.filters = filters;
  }

  Query parse(@Nullable Object filter, String where) {
    if (!(filter instanceof Map<?, ?> object) || object.isEmpty()) {
      throw wrong(where, "an object such as {\"lang\": \"en\"}", filter);
    }
    List<Query> all = new ArrayList<>();
    for (Map.Entry<?, ?> entry : object.entrySet()) {
      String name = String.valueOf(entry.getKey());
      count(where, 1);
      all.add(condition(name, entry.getValue(), where + '.' + name));
    }
    return join(all, Occur.FILTER);
  }

  private void count(String where, int more) {
    conditions += more;
    if (conditions > MAX_CONDITIONS) {
      throw new MetadataFilterException(
          where, "A filter may have " + MAX_CONDITIONS + " conditions.", null);
    }
  }

  private Query condition(String name, @Nullable Object value, String where) {
    return switch (name) {
      case "$all" -> join(list(value, where), Occur.FILTER);
      case "$any" -> join(list(value, where), Occur.SHOULD);
      case "$not" -> MetadataFilters.not(parse(value, where));
      case "$id" -> {
        Collection<Object> ids = values(value, where);
        yield checked(
            where, () -> MetadataFilters.ids(ids.stream().map(FilterParser::text).toList()));
      }
      default -> {
        if (name.startsWith("$")) {
          throw unknown(where, name, JUNCTIONS);
        }
        yield ofField(name, value, where);
      }
    };
  }

  private static String text(Object value) {
    return MetadataValues.text(MetadataValues.value("$id", value));
  }

  private List<Query> list(@Nullable Object value, String where) {
    if (!(value instanceof Collection<?> each) || each.isEmpty()) {
      throw wrong(where, "an array of filters", value);
    }
    List<Query> queries = new ArrayList<>();
    for (Object filter : each) {
      queries.add(parse(filter, where + '[' + queries.size() + ']'));
    }
    return queries;
  }

  /** A value, an array of values, operators, or an object of fields within this one. */
  private Query ofField(String field, @Nullable Object value, String where) {
    if (!(value instanceof Map<?, ?> object)) {
      Collection<?> any = values(value, where);
      return checked(where, () -> filters.anyOf(field, any));
    }
    if (object.isEmpty()) {
      throw wrong(where, "operators such as {\"gte\": 1990}", value);
    }
    if (isOperators(field, object.keySet())) {
      return operators(field, object, where);
    }
    return checked(
        where,
        () -> {
          filters.requireNested(field);
          return nested(field, object, where);
        });
  }

  private Query nested(String field, Map<?, ?> object, String where) {
    List<Query> all = new ArrayList<>();
    for (Map.Entry<?, ?> entry : object.entrySet()) {
      count(where, 1);
      String name = field + '.' + entry.getKey();
      all.add(ofField(name, entry.getValue(), where + '.' + entry.getKey()));
    }
    return join(all, Occur.FILTER);
  }

  private boolean isOperators(String field, Set<?> keys) {
    return filters.isTyped(field)
        || keys.stream().map(String::valueOf).anyMatch(FilterParser::looksLikeOperator);
  }

  private static boolean looksLikeOperator(String key) {
    String plain = key.toLowerCase(Locale.ROOT);
    return plain.startsWith("$") || OPERATORS.contains(plain) || FOREIGN.contains(plain);
  }

  private Query operators(String field, Map<?, ?> object, String where) {
    List<Query> all = new ArrayList<>();
    MetadataBounds bounds = MetadataBounds.NONE;
    for (Map.Entry<?, ?> entry : object.entrySet()) {
      String key = String.valueOf(entry.getKey());
      String operator = key.startsWith("$") ? key.substring(1) : key;
      Object value = entry.getValue();
      String at = where + '.' + key;
      count(where, 1);
      if (BOUNDS.contains(operator)) {
        bounds = withBound(bounds, operator, value, at);
        continue;
      }
      all.add(
          switch (operator) {
            case "exists" -> exists(field, value, at);
            case "terms" -> {
              Collection<?> any = values(value, at);
              yield checked(at, () -> filters.anyOf(field, any));
            }
            case "prefix" -> prefix(field, value, at);
            default -> throw unknown(where, key, OPERATORS);
          });
    }
    if (!bounds.all().isEmpty()) {
      MetadataBounds range = bounds;
      all.add(checked(where, () -> filters.range(field, range)));
    }
    return join(all, Occur.FILTER);
  }

  private static MetadataBounds.Kind kind(String operator) {
    return MetadataBounds.Kind.valueOf(operator.toUpperCase(Locale.ROOT));
  }

  private static MetadataBounds withBound(
      MetadataBounds bounds, String operator, @Nullable Object value, String where) {
    if (value == null || value instanceof Map || value instanceof Collection) {
      throw wrong(where, "a number or date", value);
    }
    return checked(where, () -> bounds.and(kind(operator), value));
  }

  private Query exists(String field, @Nullable Object value, String where) {
    if (!(value instanceof Boolean wanted)) {
      throw wrong(where, "true or false", value);
    }
    Query exists = checked(where, () -> filters.exists(field));
    return wanted ? exists : MetadataFilters.not(exists);
  }

  private Query prefix(String field, @Nullable Object value, String where) {
    if (!(value instanceof String prefix)) {
      throw wrong(where, "a string", value);
    }
    return checked(where, () -> filters.prefix(field, prefix));
  }

  /** A value or an array of them. */
  private Collection<Object> values(@Nullable Object value, String where) {
    Collection<?> each =
        value instanceof Collection<?> list ? list : Collections.singletonList(value);
    if (each.isEmpty()) {
      throw wrong(where, "a string, number or boolean, or an array of them", value);
    }
    count(where, each.size() - 1);
    Set<Object> values = new LinkedHashSet<>();
    for (Object one : each) {
      if (one == null || one instanceof Map || one instanceof Collection) {
        throw wrong(where, "a string, number or boolean", one);
      }
      values.add(one);
    }
    return values;
  }

  private static Query join(List<Query> queries, Occur occur) {
    if (queries.size() == 1) {
      return queries.get(0);
    }
    BooleanQuery.Builder joined = new BooleanQuery.Builder();
    queries.forEach(q -> joined.add(q, occur));
    return joined.build();
  }

  /** Adds to a refusal where in the filter it is. */
  private static <T> T checked(String where, Supplier<T> making) {
    try {
      return making.get();
    } catch (MetadataFilterException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw new MetadataFilterException(
          where, Character.toUpperCase(message.charAt(0)) + message.substring(1) + '.', e);
    }
  }

  private static MetadataFilterException unknown(String where, String key, List<String> known) {
    return new MetadataFilterException(
        where,
        "Unknown operator \""
            + MetadataValues.shortened(key)
            + "\". Known: "
            + String.join(", ", known)
            + ". A field within another is named with a dot: \"author.name\".",
        null);
  }

  private static MetadataFilterException wrong(
      String where, String expected, @Nullable Object found) {
    return new MetadataFilterException(
        where,
        "Expected "
            + expected
            + " as \""
            + where
            + "\", found "
            + MetadataValues.brief(found)
            + '.',
        null);
  }
}
