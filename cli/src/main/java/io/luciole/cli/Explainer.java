package io.luciole.cli;

import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.Leg;
import io.luciole.lucene.LegScore;
import io.luciole.lucene.SearchResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.lucene.search.Explanation;
import org.jspecify.annotations.Nullable;

/** Tells in words what a search did and how each hit came to its place. */
final class Explainer {
  private static final String RERANKED = "reranked";
  private static final String CONTRIBUTION = "contribution";
  private static final String WEIGHT = "weight";

  private final HybridQuery query;
  private final SearchResult result;
  private final List<String> filters;

  /**
   * Creates an explainer of a search.
   *
   * @param filters the filters that documents had to pass, as they were typed
   */
  Explainer(HybridQuery query, SearchResult result, List<String> filters) {
    this.query = query;
    this.result = result;
    this.filters = filters;
  }

  /** What was searched, by which legs, and how their lists became one. */
  List<String> ofSearch() {
    List<String> lines = new ArrayList<>();
    if (!filters.isEmpty()) {
      lines.add("Only documents that pass " + String.join(" and ", filters) + '.');
    }
    if (result.legs().isEmpty()) {
      lines.add("No words: the documents are listed in the order of their fields.");
      return lines;
    }
    lines.add(
        result.legs().entrySet().stream()
                .map(leg -> leg.getKey().id() + " found " + documents(leg.getValue().size()))
                .collect(Collectors.joining(", ", "", ""))
            + (result.legs().size() > 1
                ? "; the fusion "
                    + query.fusion().name()
                    + " made one list of "
                    + result.fused().size()
                : "")
            + '.');
    lines.add("A document gets from each leg " + query.fusion().description() + '.');
    query
        .rerank()
        .ifPresent(rerank ->
            lines.add(
                "The best "
                    + rerank.depth()
                    + " were then ordered by the vectors that the index keeps (reranked)."));
    query
        .rerankByModel()
        .ifPresent(rerank ->
            lines.add(
                "The best " + rerank.depth() + " were then ordered by the reranker's scores."));
    if (!query.arrangement().sort().isEmpty()) {
      lines.add(
          query.arrangement().sort().stream()
              .map(by -> by.field() + (by.descending() ? " (descending)" : " (ascending)"))
              .collect(Collectors.joining(", ", "Then sorted by ", ".")));
    }
    query
        .arrangement()
        .collapse()
        .ifPresent(field -> lines.add("Only the first hit of each value of " + field + '.'));
    return lines;
  }

  private static String documents(int count) {
    return count == 1 ? "1 document" : String.format(Locale.ROOT, "%,d documents", count);
  }

  /** How a hit came to its place. */
  List<String> ofHit(Hit hit) {
    List<String> lines = new ArrayList<>();
    Explanation fused = hit.explain();
    if (fused.getDescription().startsWith(RERANKED)) {
      lines.add(reranked(fused));
      fused = fused.getDetails()[fused.getDetails().length - 1];
    }
    if (!hit.legs().isEmpty()) {
      lines.add(
          String.format(
              Locale.ROOT, "fused score %.4f, the sum of:", fused.getValue().doubleValue()));
    }
    for (Leg leg : result.legs().keySet()) {
      lines.add("  " + ofLeg(leg, hit.legs(), fused));
    }
    hit.passage()
        .ifPresent(passage ->
            lines.add(
                String.format(
                    Locale.ROOT,
                    "best passage: characters %,d to %,d of the text",
                    passage.start(),
                    passage.end())));
    return lines;
  }

  private String ofLeg(Leg leg, Map<Leg, LegScore> found, Explanation fused) {
    LegScore score = found.get(leg);
    if (score == null) {
      return leg.id() + ": not among the " + documents(result.leg(leg).size()) + " that it found";
    }
    Explanation part = part(fused, leg);
    String factors =
        part == null
            ? ""
            : String.format(
                Locale.ROOT,
                " (weight %.2f × %.4f)",
                detail(part, WEIGHT),
                detail(part, CONTRIBUTION));
    return String.format(
        Locale.ROOT,
        "%s: rank %d of %,d, score %.4f; adds %.4f%s",
        leg.id(),
        score.rank(),
        result.leg(leg).size(),
        score.score(),
        score.contribution(),
        factors);
  }

  private static String reranked(Explanation of) {
    List<String> scores = new ArrayList<>();
    for (int i = 0; i < of.getDetails().length - 1; i++) {
      Explanation part = of.getDetails()[i];
      scores.add(
          String.format(
              Locale.ROOT, "%s %.4f", part.getDescription(), part.getValue().doubleValue()));
    }
    return String.format(
        Locale.ROOT,
        "reranked to %.4f: %s",
        of.getValue().doubleValue(),
        scores.isEmpty() ? "the score of the reranker" : String.join(", ", scores));
  }

  private static @Nullable Explanation part(Explanation fused, Leg leg) {
    for (Explanation part : fused.getDetails()) {
      if (part.getDescription().startsWith(leg.id() + ',')) {
        return part;
      }
    }
    return null;
  }

  private static double detail(Explanation part, String name) {
    for (Explanation detail : part.getDetails()) {
      if (detail.getDescription().equals(name)) {
        return detail.getValue().doubleValue();
      }
    }
    return 0;
  }
}
