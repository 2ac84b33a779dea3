package io.luciole.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.store.embedding.filter.Filter;
import dev.langchain4j.store.embedding.filter.comparison.ContainsString;
import dev.langchain4j.store.embedding.filter.comparison.IsEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsGreaterThan;
import dev.langchain4j.store.embedding.filter.comparison.IsGreaterThanOrEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsIn;
import dev.langchain4j.store.embedding.filter.comparison.IsLessThan;
import dev.langchain4j.store.embedding.filter.comparison.IsLessThanOrEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsNotEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsNotIn;
import dev.langchain4j.store.embedding.filter.logical.And;
import dev.langchain4j.store.embedding.filter.logical.Not;
import dev.langchain4j.store.embedding.filter.logical.Or;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataBounds;
import io.luciole.lucene.MetadataFilters;
import io.luciole.lucene.MetadataType;
import java.util.Collection;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;

/**
 * Makes Lucene queries of LangChain4j's filters, by {@link MetadataFilters}. As in LangChain4j, a
 * negated comparison holds where there is no value. Safe for use by many threads.
 */
final class FilterMapper {
  private final MetadataFilters filters;
  private final Map<String, MetadataType> types;

  FilterMapper(HybridSchema schema) {
    this.filters = MetadataFilters.of(schema);
    this.types = schema.metadata();
  }

  /**
   * Makes a query.
   *
   * @throws UnsupportedFeatureException if the filter is of a class that is not LangChain4j's
   * @throws IllegalArgumentException if a value does not fit the type that the schema declares
   */
  Query query(Filter filter) {
    return switch (filter) {
      case IsEqualTo is -> equal(is.key(), is.comparisonValue());
      case IsNotEqualTo is -> MetadataFilters.not(equal(is.key(), is.comparisonValue()));
      case IsIn is -> anyOf(is.key(), is.comparisonValues());
      case IsNotIn is -> MetadataFilters.not(anyOf(is.key(), is.comparisonValues()));
      case IsGreaterThan is -> range(is.key(), is.comparisonValue(), MetadataBounds::above);
      case IsGreaterThanOrEqualTo is ->
          range(is.key(), is.comparisonValue(), MetadataBounds::atLeast);
      case IsLessThan is -> range(is.key(), is.comparisonValue(), MetadataBounds::below);
      case IsLessThanOrEqualTo is -> range(is.key(), is.comparisonValue(), MetadataBounds::atMost);
      case ContainsString is -> filters.contains(is.key(), is.comparisonValue());
      case And both -> joined(both.left(), both.right(), Occur.FILTER);
      case Or either -> joined(either.left(), either.right(), Occur.SHOULD);
      case Not not -> MetadataFilters.not(query(not.expression()));
      default ->
          throw new UnsupportedFeatureException(
              "expected a filter of dev.langchain4j.store.embedding.filter, found "
                  + filter.getClass().getName()
                  + "; write it with those");
    };
  }

  private Query equal(String key, Object value) {
    return filters.equal(key, known(value));
  }

  private Query anyOf(String key, Collection<?> values) {
    return filters.anyOf(key, values.stream().map(FilterMapper::known).toList());
  }

  /** Strings are compared as strings, unless the schema declares another type. */
  private Query range(String key, Object value, Function<Object, MetadataBounds> bounds) {
    Object known = known(value);
    MetadataType type = types.getOrDefault(key, MetadataType.KEYWORD);
    return known instanceof String && type == MetadataType.KEYWORD
        ? filters.stringRange(key, bounds.apply(known))
        : filters.range(key, bounds.apply(known));
  }

  /** UUIDs are kept as strings. */
  private static Object known(Object value) {
    return value instanceof UUID uuid ? uuid.toString() : value;
  }

  private Query joined(Filter left, Filter right, Occur occur) {
    return new BooleanQuery.Builder().add(query(left), occur).add(query(right), occur).build();
  }
}
