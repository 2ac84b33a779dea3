package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.lucene.Arrangement;
import io.luciole.lucene.Facet;
import io.luciole.lucene.FacetCounts;
import io.luciole.lucene.MetadataBounds;
import io.luciole.lucene.MetadataSort;
import io.luciole.lucene.SearchResult;
import java.util.List;
import java.util.function.Supplier;
import org.apache.lucene.search.TotalHits;

/** The order, the collapsing and the counts of a search, in requests and answers. */
final class Arranging {
  private static final int MAX_FACETS = 32;

  private Arranging() {}

  /** Reads {@code sort}, {@code collapse} and {@code facets}. */
  static Arrangement read(ObjectNode body) {
    Arrangement arrangement = Arrangement.NONE;
    for (JsonNode field : oneOrMore(body.path("sort"))) {
      if (!field.isTextual()) {
        throw JsonBodies.wrong("sort", "a field such as \"year:desc\", or an array of them", field);
      }
      arrangement = arrangement.sort(checked("sort", () -> MetadataSort.parse(field.textValue())));
    }
    String collapse = JsonBodies.stringOr(body, "collapse");
    if (collapse != null) {
      arrangement = arrangement.collapse(collapse);
    }
    for (JsonNode facet : oneOrMore(body.path("facets"))) {
      arrangement = arrangement.facet(checked("facets", () -> facet(facet)));
    }
    if (arrangement.facets().size() > MAX_FACETS) {
      throw Problem.tooLarge("facets", "A search may count " + MAX_FACETS + " facets.");
    }
    return arrangement;
  }

  private static Iterable<JsonNode> oneOrMore(JsonNode value) {
    if (value.isMissingNode() || value.isNull()) {
      return List.of();
    }
    return value.isArray() ? value : List.of(value);
  }

  private static Facet facet(JsonNode facet) {
    if (facet instanceof ObjectNode object) {
      return Facet.of(JsonBodies.plain(object));
    }
    if (!facet.isTextual()) {
      throw JsonBodies.wrong("facets", "an array of fields such as \"lang\" or \"lang:20\"", facet);
    }
    return Facet.parse(facet.textValue());
  }

  private static <T> T checked(String where, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (IllegalArgumentException e) {
      throw Problem.invalid(where, JsonBodies.sentence(e));
    }
  }

  /** Writes the number of matches, and the counts if any were asked for. */
  static void write(SearchResult result, ObjectNode root) {
    boolean exact = result.matches().relation() == TotalHits.Relation.EQUAL_TO;
    root.putObject("matches")
        .put("value", result.matches().value())
        .put("relation", exact ? "exactly" : "at_least");
    if (result.facets().isEmpty()) {
      return;
    }
    ArrayNode facets = root.putArray("facets");
    for (FacetCounts counts : result.facets()) {
      ObjectNode facet =
          facets
              .addObject()
              .put("field", counts.field())
              .put("documents", counts.documents())
              .put("distinct", counts.distinct());
      ArrayNode values = facet.putArray("values");
      for (FacetCounts.Value value : counts.values()) {
        write(value.value(), values.addObject()).put("count", value.count());
      }
    }
  }

  private static ObjectNode write(Object value, ObjectNode to) {
    if (value instanceof MetadataBounds range) {
      to.set("range", JsonBodies.tree(range.asMap()));
    } else {
      to.set("value", JsonBodies.tree(value));
    }
    return to;
  }
}
