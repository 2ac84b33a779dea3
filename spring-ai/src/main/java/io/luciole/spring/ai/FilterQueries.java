package io.luciole.spring.ai;

import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataBounds;
import io.luciole.lucene.MetadataFilters;
import io.luciole.lucene.MetadataType;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.vectorstore.filter.Filter;

/**
 * Makes queries of Spring AI's filter expressions. What negates ({@code NE}, {@code NIN}, {@code
 * NOT}) matches documents without a value, too.
 */
record FilterQueries(MetadataFilters filters, Map<String, MetadataType> types) {
  static FilterQueries of(HybridSchema schema) {
    return new FilterQueries(MetadataFilters.of(schema), schema.metadata());
  }

  Query query(Filter.Expression expression) {
    return switch (expression.type()) {
      case AND -> both(expression, Occur.FILTER);
      case OR -> both(expression, Occur.SHOULD);
      case NOT -> MetadataFilters.not(operand(expression.left(), expression));
      case EQ -> filters.equal(key(expression), value(expression));
      case NE -> MetadataFilters.not(filters.equal(key(expression), value(expression)));
      case IN -> filters.anyOf(key(expression), values(expression));
      case NIN -> MetadataFilters.not(filters.anyOf(key(expression), values(expression)));
      case GT -> range(expression, MetadataBounds::above);
      case GTE -> range(expression, MetadataBounds::atLeast);
      case LT -> range(expression, MetadataBounds::below);
      case LTE -> range(expression, MetadataBounds::atMost);
      case ISNULL -> MetadataFilters.not(filters.exists(key(expression)));
      case ISNOTNULL -> filters.exists(key(expression));
    };
  }

  private Query both(Filter.Expression expression, Occur occur) {
    return new BooleanQuery.Builder()
        .add(operand(expression.left(), expression), occur)
        .add(operand(expression.right(), expression), occur)
        .build();
  }

  private Query operand(Filter.@Nullable Operand operand, Filter.Expression of) {
    return switch (operand) {
      case Filter.Expression inner -> query(inner);
      case Filter.Group group -> query(group.content());
      case null, default -> throw wrong(of, "an expression", operand);
    };
  }

  /** Strings are compared as strings, unless the schema declares another type. */
  private Query range(Filter.Expression expression, Function<Object, MetadataBounds> bounds) {
    String key = key(expression);
    Object value = value(expression);
    return value instanceof String
            && types.getOrDefault(key, MetadataType.KEYWORD) == MetadataType.KEYWORD
        ? filters.stringRange(key, bounds.apply(value))
        : filters.range(key, bounds.apply(value));
  }

  /** The name on the left, without the quotation marks that Spring AI's parser leaves around it. */
  private static String key(Filter.Expression expression) {
    if (!(expression.left() instanceof Filter.Key key)) {
      throw wrong(expression, "a key on its left", expression.left());
    }
    String name = key.key().strip();
    boolean quoted =
        name.length() > 2
            && (name.charAt(0) == '"' || name.charAt(0) == '\'')
            && name.charAt(name.length() - 1) == name.charAt(0);
    return quoted ? name.substring(1, name.length() - 1) : name;
  }

  private static Object value(Filter.Expression expression) {
    if (expression.right() instanceof Filter.Value value
        && value.value() != null
        && !(value.value() instanceof List)) {
      return value.value();
    }
    throw wrong(expression, "one value on its right", expression.right());
  }

  private static List<?> values(Filter.Expression expression) {
    if (expression.right() instanceof Filter.Value value && value.value() instanceof List<?> list) {
      return list;
    }
    throw wrong(expression, "a list of values on its right", expression.right());
  }

  private static IllegalArgumentException wrong(
      Filter.Expression of, String expected, Filter.@Nullable Operand found) {
    return new IllegalArgumentException(
        "expected " + expected + " of " + of.type() + ", got " + found);
  }
}
