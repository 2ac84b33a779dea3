package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rankings that one way of searching gave for a set of queries.
 *
 * @param name what the run is called
 * @param rankings query id → documents, best first
 */
public record RankedRun(String name, Map<String, List<ScoredId>> rankings) {
  /** Checks and copies the components. */
  public RankedRun {
    requireNonNull(name, "name");
    Map<String, List<ScoredId>> copy = new LinkedHashMap<>();
    rankings.forEach((query, list) -> copy.put(query, List.copyOf(list)));
    rankings = Collections.unmodifiableMap(copy);
  }

  /**
   * Writes a TREC run file: {@code query Q0 document rank score name}, ranks from 1. Scores fall
   * strictly, so that tools that sort by score keep this order.
   *
   * @throws SourceException if the file cannot be written
   */
  public void writeTrec(Path file) {
    NotYet.<Object>built();
  }
}
