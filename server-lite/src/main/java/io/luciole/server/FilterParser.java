package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.SchemaFields;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.lucene.document.DoubleField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.jspecify.annotations.Nullable;

/**
 * Reads filters as Lucene queries:
 *
 * <pre>
 * {"lang": "en"}                       the whole value
 * {"lang": ["en", "de"]}               any of the values
 * {"year": {"gte": 1990, "lt": 2000}}  a range; the schema must have the field as a number or date
 * {"$id": ["d1", "d2"]}, {"$all": […]}, {"$any": […]}, {"$not": {…}}
 * </pre>
 *
 * <p>A document passes if it matches everything in the object. One instance reads one filter, of at
 * most 1024 clauses.
 */
final class FilterParser {
  private static final int MAX_CLAUSES = 1024;

  private final HybridSchema schema;
  private int clauses;

  FilterParser(HybridSchema schema) {
    this.schema = schema;
  }

  Query parse(JsonNode filter, String where) {
    if (!filter.isObject() || filter.isEmpty()) {
      throw JsonBodies.wrong(where, "an object such as {\"lang\": \"en\"}", filter);
    }
    List<Query> all = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : filter.properties()) {
      count(where);
      all.add(clause(entry.getKey(), entry.getValue(), where + '.' + entry.getKey()));
    }
    return join(all, Occur.FILTER);
  }

  private void count(String where) {
    if (++clauses > MAX_CLAUSES) {
      throw Problem.invalid(where, "A filter may have " + MAX_CLAUSES + " parts.");
    }
  }

  /**
   * One member of a filter. Names that begin with {@code $} are operators over filters or ids; an
   * object under a field's name has operators over its typed values.
   */
  private Query clause(String name, JsonNode value, String where) {
    return switch (name) {
      case "$all" -> join(list(value, where), Occur.FILTER);
      case "$any" -> join(list(value, where), Occur.SHOULD);
      case "$not" ->
          new BooleanQuery.Builder()
              .add(MatchAllDocsQuery.INSTANCE, Occur.FILTER)
              .add(parse(value, where), Occur.MUST_NOT)
              .build();
      case "$id" -> anyOf(value, where, id -> new TermQuery(new Term(SchemaFields.ID, id)));
      default ->
          value.isObject()
              ? range(name, value, where)
              : anyOf(value, where, text -> HybridQuery.metadata(name, text));
    };
  }

  private interface Match {
    Query of(String value);
  }

  private Query anyOf(JsonNode value, String where, Match match) {
    if (!value.isArray()) {
      return match.of(scalar(value, where));
    }
    List<Query> any = new ArrayList<>();
    for (JsonNode each : value) {
      count(where);
      any.add(match.of(scalar(each, where)));
    }
    if (any.isEmpty()) {
      throw JsonBodies.wrong(where, "at least one value", value);
    }
    return join(any, Occur.SHOULD);
  }

  private static String scalar(JsonNode value, String where) {
    if (!value.isValueNode() || value.isNull()) {
      throw JsonBodies.wrong(where, "a string, number or boolean", value);
    }
    return value.asText();
  }

  private List<Query> list(JsonNode value, String where) {
    if (!value.isArray() || value.isEmpty()) {
      throw JsonBodies.wrong(where, "an array of filters", value);
    }
    List<Query> queries = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      queries.add(parse(value.get(i), where + '[' + i + ']'));
    }
    return queries;
  }

  private static Query join(List<Query> queries, Occur occur) {
    if (queries.size() == 1) {
      return queries.get(0);
    }
    BooleanQuery.Builder joined = new BooleanQuery.Builder();
    queries.forEach(q -> joined.add(q, occur));
    return joined.build();
  }

  private Query range(String name, JsonNode bounds, String where) {
    MetadataType type = schema.metadata().get(name);
    if (type == null || type == MetadataType.KEYWORD) {
      throw Problem.invalid(
          where,
          "An object is a range, which needs a field that the index's schema knows as a number or"
              + " date; it knows "
              + (schema.metadata().isEmpty() ? "no field" : described())
              + ". The type of a field is set when an index is made: luciole index --metadata "
              + name
              + "=long.");
    }
    @Nullable JsonNode low = null;
    @Nullable JsonNode high = null;
    boolean lowOpen = false;
    boolean highOpen = false;
    for (Map.Entry<String, JsonNode> bound : bounds.properties()) {
      switch (bound.getKey()) {
        case "gt", "gte" -> {
          low = bound.getValue();
          lowOpen = bound.getKey().equals("gt");
        }
        case "lt", "lte" -> {
          high = bound.getValue();
          highOpen = bound.getKey().equals("lt");
        }
        default ->
            throw Problem.invalid(where, "Expected gt, gte, lt or lte, found " + bound.getKey());
      }
    }
    if (low == null && high == null) {
      throw JsonBodies.wrong(where, "bounds such as {\"gte\": 1990}", bounds);
    }
    String field = SchemaFields.METADATA_PREFIX + name;
    if (type == MetadataType.DOUBLE) {
      double from = low == null ? Double.NEGATIVE_INFINITY : number(low, where);
      double to = high == null ? Double.POSITIVE_INFINITY : number(high, where);
      return DoubleField.newRangeQuery(
          field, lowOpen ? Math.nextUp(from) : from, highOpen ? Math.nextDown(to) : to);
    }
    long from = low == null ? Long.MIN_VALUE : whole(type, low, where);
    long to = high == null ? Long.MAX_VALUE : whole(type, high, where);
    return LongField.newRangeQuery(field, lowOpen ? from + 1 : from, highOpen ? to - 1 : to);
  }

  /** The fields that have a type, each with its type's name as {@code --metadata} takes it. */
  private String described() {
    return schema.metadata().entrySet().stream()
        .map(field -> field.getKey() + '=' + field.getValue().id())
        .collect(Collectors.joining(", "));
  }

  private static double number(JsonNode value, String where) {
    if (!value.isNumber()) {
      throw JsonBodies.wrong(where, "a number", value);
    }
    return value.doubleValue();
  }

  private static long whole(MetadataType type, JsonNode value, String where) {
    if (type == MetadataType.DATE && value.isTextual()) {
      try {
        return MetadataType.parseDate(value.textValue());
      } catch (DateTimeException | ArithmeticException e) {
        throw JsonBodies.wrong(
            where, "a date (2026-11-22) or instant (2026-11-22T10:00:00Z)", value);
      }
    }
    if (type == MetadataType.DATE || !value.isIntegralNumber() || !value.canConvertToLong()) {
      throw JsonBodies.wrong(where, type == MetadataType.DATE ? "a date" : "a whole number", value);
    }
    return value.longValue();
  }
}
