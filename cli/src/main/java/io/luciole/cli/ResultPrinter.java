package io.luciole.cli;

import io.luciole.lucene.FacetCounts;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.SearchResult;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.lucene.search.TotalHits;

/**
 * Prints what a search found for people: the hits, the counts, and how many documents match.
 *
 * @param console where to; the last line goes to its messages
 * @param filters the filters that documents had to pass, as they were typed
 */
record ResultPrinter(Console console, List<String> filters) {
  /**
   * Prints a result.
   *
   * @param documents the number of documents in the index
   * @param explain whether to tell in words how each hit came to its place
   */
  void print(HybridQuery query, SearchResult result, int documents, boolean explain) {
    Explainer explainer = new Explainer(query, result, filters);
    HitPrinter printer = new HitPrinter(console.out(), console.decoratesResults(), query.text());
    if (explain) {
      explainer.ofSearch().forEach(console.out()::println);
    }
    for (Hit hit : result.hits()) {
      printer.print(hit, result.legs().keySet());
      if (explain) {
        explainer.ofHit(hit).forEach(printer::note);
      }
    }
    result.facets().forEach(counts -> console.out().println(line(counts)));
    console.out().flush();
    console.err().println(summary(result, documents));
  }

  private static String line(FacetCounts counts) {
    String values =
        counts.values().stream()
            .map(value ->
                String.format(
                    Locale.ROOT,
                    "%s (%,d)",
                    HitPrinter.oneLine(value.value().toString()),
                    value.count()))
            .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT,
        "%s: %s%s; %,d documents have a value",
        counts.field(),
        values.isEmpty() ? "none" : values,
        counts.distinct() > counts.values().size()
            ? String.format(
                Locale.ROOT, " and %,d more values", counts.distinct() - counts.values().size())
            : "",
        counts.documents());
  }

  private static String summary(SearchResult result, int documents) {
    int count = result.hits().size();
    String hits = count == 0 ? "No hit" : count == 1 ? "1 hit" : count + " hits";
    String embedding =
        result.tokens() == 0
            ? ""
            : String.format(
                Locale.ROOT,
                ", of which embedding the query took %.0f ms",
                result.embedding().toNanos() / 1e6);
    return String.format(
            Locale.ROOT,
            "%s of %,d documents in %.0f ms%s",
            hits,
            documents,
            result.took().toNanos() / 1e6,
            embedding)
        + (result.partial() ? "; time ran out, so there may be better ones" : "")
        + matches(result.matches(), count);
  }

  private static String matches(TotalHits matches, int shown) {
    boolean exact = matches.relation() == TotalHits.Relation.EQUAL_TO;
    return matches.value() <= shown
        ? ""
        : String.format(Locale.ROOT, "; %s%,d match", exact ? "" : "at least ", matches.value());
  }
}
