package io.luciole.cli;

import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataFilterException;
import io.luciole.lucene.MetadataFilters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/**
 * The flag for filters by metadata: {@code NAME=VALUE}, or the JSON of {@link
 * MetadataFilters#parse(String)}, which the server takes too.
 */
final class FilterOption {
  @Option(
      names = "--filter",
      paramLabel = "FILTER",
      converter = Shape.class,
      description =
          "Only documents with this metadata: NAME=VALUE, or JSON such as"
              + " '{\"year\":{\"gte\":2000},\"$not\":{\"lang\":\"en\"}}' (docs/server.md lists"
              + " all). May be repeated; all must hold.")
  private List<String> filters = new ArrayList<>();

  /** Whether the flag was given. */
  boolean isGiven() {
    return !filters.isEmpty();
  }

  /**
   * What all filters of the flag ask of documents; empty without the flag.
   *
   * @throws CliException if one cannot be understood
   */
  Optional<Query> query(HybridSchema schema) {
    return all(filters, schema);
  }

  /** The filters of the flag, as they were typed, and some that were typed later. */
  List<String> and(List<String> more) {
    List<String> all = new ArrayList<>(filters);
    all.addAll(more);
    return all;
  }

  /**
   * What several filters ask of documents together; empty if there are none.
   *
   * @throws CliException if one cannot be understood
   */
  static Optional<Query> all(List<String> filters, HybridSchema schema) {
    if (filters.isEmpty()) {
      return Optional.empty();
    }
    BooleanQuery.Builder all = new BooleanQuery.Builder();
    for (String filter : filters) {
      all.add(parse(filter, MetadataFilters.of(schema)), Occur.FILTER);
    }
    return Optional.of(all.build());
  }

  private static Query parse(String filter, MetadataFilters of) {
    try {
      if (filter.stripLeading().startsWith("{")) {
        return of.parse(filter);
      }
      String wrong = wrong(filter);
      if (wrong != null) {
        throw new CliException("--filter: " + wrong);
      }
      int at = filter.indexOf('=');
      return of.parse(Map.of(filter.substring(0, at), filter.substring(at + 1)), "filter");
    } catch (MetadataFilterException e) {
      throw new CliException("--" + e.getMessage(), e);
    }
  }

  /** What the filter alone shows to be wrong, or null. */
  private static @Nullable String wrong(String filter) {
    return filter.stripLeading().startsWith("{") || filter.indexOf('=') >= 1
        ? null
        : "expected NAME=VALUE or a JSON object, got \"" + filter + '"';
  }

  /** Refuses what is no filter of any index. */
  static final class Shape implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      String wrong = wrong(value);
      if (wrong != null) {
        throw new TypeConversionException(wrong);
      }
      return value;
    }
  }
}
