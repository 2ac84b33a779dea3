package io.luciole.cli;

import io.luciole.lucene.Arrangement;
import io.luciole.lucene.Facet;
import io.luciole.lucene.MetadataSort;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/** The flags for the order of hits by metadata, one hit for each value, and counts of values. */
final class ArrangeOptions {
  @Option(
      names = "--sort",
      paramLabel = "FIELD[:desc]",
      split = ",",
      converter = SortConverter.class,
      description =
          "Order by a metadata field that has a type, documents without a value last. Sorts what"
              + " the words find; without words, lists all documents that pass the filters.")
  private List<MetadataSort> sort = new ArrayList<>();

  @Option(
      names = "--collapse",
      paramLabel = "FIELD",
      description = "Only the first hit of each value of a metadata field that has a type.")
  private @Nullable String collapse;

  @Option(
      names = "--facet",
      paramLabel = "FIELD[:N]",
      converter = FacetConverter.class,
      description =
          "Count the documents of the N most frequent values (10 by default) among all that pass"
              + " the filters; or JSON, as the server's. May be repeated.")
  private List<Facet> facets = new ArrayList<>();

  /** What the flags say. */
  Arrangement arrangement() {
    Arrangement arrangement = Arrangement.NONE;
    for (MetadataSort field : sort) {
      arrangement = arrangement.sort(field);
    }
    if (collapse != null) {
      arrangement = arrangement.collapse(collapse);
    }
    for (Facet facet : facets) {
      arrangement = arrangement.facet(facet);
    }
    return arrangement;
  }

  /** Reads an order. */
  static final class SortConverter implements ITypeConverter<MetadataSort> {
    @Override
    public MetadataSort convert(String value) {
      return Choice.checked(() -> MetadataSort.parse(value));
    }
  }

  /** Reads a question for counts. */
  static final class FacetConverter implements ITypeConverter<Facet> {
    @Override
    public Facet convert(String value) {
      return Choice.checked(() -> Facet.parse(value));
    }
  }
}
