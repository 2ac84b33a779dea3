package io.luciole.lucene;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Which documents are relevant to which queries, and how much. Immutable. */
public final class Qrels {
  private final Map<String, Map<String, Integer>> grades;

  private Qrels(Map<String, Map<String, Integer>> grades) {
    this.grades = grades;
  }

  /** Judgements by query id, then document id; a grade of 0 or less means not relevant. */
  public static Qrels of(Map<String, Map<String, Integer>> grades) {
    Map<String, Map<String, Integer>> copy = new LinkedHashMap<>();
    grades.forEach((query, byDocument) -> copy.put(query, Map.copyOf(byDocument)));
    return new Qrels(Collections.unmodifiableMap(copy));
  }

  /** The ids of the queries with judgements, in the order of the source. */
  public Set<String> queries() {
    return grades.keySet();
  }

  /** The grades of a query's judged documents; empty if there are none. */
  public Map<String, Integer> grades(String queryId) {
    return grades.getOrDefault(queryId, Map.of());
  }

  /** Whether a query has at least one relevant document. */
  public boolean isJudged(String queryId) {
    return grades(queryId).values().stream().anyMatch(grade -> grade > 0);
  }
}
