package io.luciole.lucene.eval;

import static java.util.Objects.requireNonNull;

import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SourceException;
import io.luciole.lucene.Utf8Lines;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rankings that one way of searching gave for a set of queries.
 *
 * @param name what the run is called
 * @param rankings query id → documents, best first; empty for a query that was asked and found
 *     nothing. Queries that were not asked have no entry
 */
public record RankedRun(String name, Map<String, List<ScoredId>> rankings) {
  private static final Comparator<ScoredId> AS_TREC_EVAL =
      Comparator.<ScoredId>comparingDouble(hit -> (float) hit.score())
          .thenComparing(ScoredId::id, TrecIds.BY_BYTES)
          .reversed();

  /** Checks and copies the components. */
  public RankedRun {
    requireNonNull(name, "name");
    Map<String, List<ScoredId>> copy = new LinkedHashMap<>();
    rankings.forEach((query, list) -> copy.put(query, List.copyOf(list)));
    rankings = Collections.unmodifiableMap(copy);
  }

  /**
   * Writes a TREC run file: {@code query Q0 document rank score name}, ranks from 1. Scores fall
   * strictly, so that tools that sort by score keep this order. White space separates the columns:
   * in an id that has any, it is written as in a URL, and so is each {@code %} of such an id
   * ({@code my notes.txt} as {@code my%20notes.txt}). Other ids are written as they are. {@link
   * #named} undoes this.
   *
   * @param file the file, which is replaced
   * @throws SourceException if the file cannot be written, or two ids of a ranking are written
   *     alike ({@code a b} and {@code a%20b})
   */
  public void writeTrec(Path file) {
    requireNonNull(file, "file");
    try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      for (Map.Entry<String, List<ScoredId>> ranking : rankings.entrySet()) {
        int rank = 0;
        float before = Float.POSITIVE_INFINITY;
        requireDistinctColumns(ranking.getValue());
        for (ScoredId hit : ranking.getValue()) {
          // trec_eval reads 32 bits and sorts ties by name.
          float score = Math.min((float) hit.score(), Math.nextDown(before));
          before = score;
          rank++;
          out.write(
              TrecIds.escape(ranking.getKey())
                  + " Q0 "
                  + TrecIds.escape(hit.id())
                  + " "
                  + rank
                  + " "
                  + score
                  + " "
                  + TrecIds.escape(name)
                  + "\n");
        }
      }
    } catch (IOException e) {
      throw new SourceException("Cannot write the run file " + file + ": " + e, false, e);
    }
  }

  private static void requireDistinctColumns(List<ScoredId> ranking) {
    Map<String, String> ids = new HashMap<>();
    for (ScoredId hit : ranking) {
      String other = ids.putIfAbsent(TrecIds.escape(hit.id()), hit.id());
      if (other != null && !other.equals(hit.id())) {
        throw new SourceException(
            "Expected ids that a run file can tell apart, found \""
                + other
                + "\" and \""
                + hit.id()
                + "\", which are both written as \""
                + TrecIds.escape(hit.id())
                + "\"; give one of the two documents another id",
            false);
      }
    }
  }

  /**
   * Reads a TREC run file. As trec_eval does, documents are ordered by their scores in 32 bits,
   * those of equal scores by their ids, the larger first; the file's ranks and order count nothing.
   * Ids are those of the file; see {@link #named}.
   *
   * @param file the file
   * @param name what to call the run
   * @return the run
   * @throws SourceException if a line cannot be read or there is none; the message names it
   */
  public static RankedRun readTrec(Path file, String name) {
    requireNonNull(file, "file");
    Map<String, List<ScoredId>> rankings = new LinkedHashMap<>();
    try (Utf8Lines lines = Utf8Lines.open(file)) {
      for (String line = lines.next(); line != null; line = lines.next()) {
        String[] columns = line.strip().split("\\s+", -1);
        if (columns.length != 6) {
          throw lines.bad(
              "expected query, Q0, document, rank, score and name, found "
                  + columns.length
                  + " columns",
              null);
        }
        rankings
            .computeIfAbsent(columns[0], query -> new ArrayList<>())
            .add(new ScoredId(columns[2], score(lines, columns[4])));
      }
    }
    if (rankings.isEmpty()) {
      throw new SourceException("Expected a TREC run in " + file + ", found none", false);
    }
    rankings.values().forEach(list -> list.sort(AS_TREC_EVAL));
    return new RankedRun(name, rankings);
  }

  /**
   * Gives queries and documents the ids by which judgements know them: an id that they do not know
   * as it is, but know without the escapes of {@link #writeTrec}, loses the escapes. So does one
   * that then is the id of its query. Other ids stay as they are; they are not judged.
   *
   * @param qrels the judgements
   * @return a changed copy
   */
  public RankedRun named(Qrels qrels) {
    Map<String, List<ScoredId>> named = new LinkedHashMap<>();
    rankings.forEach((column, list) -> {
      String query = qrels.queries().contains(column) ? column : TrecIds.unescape(column);
      Map<String, Integer> grades = qrels.grades(query);
      List<ScoredId> hits = new ArrayList<>(list.size());
      for (ScoredId hit : list) {
        String id = TrecIds.unescape(hit.id());
        boolean known =
            !grades.containsKey(hit.id()) && (grades.containsKey(id) || id.equals(query));
        hits.add(known ? new ScoredId(id, hit.score()) : hit);
      }
      named.put(query, hits);
    });
    return new RankedRun(name, named);
  }

  /**
   * Leaves out of each ranking the document that has the id of the query, as BEIR's option {@code
   * ignore_identical_ids} does: in ArguAna and Quora queries are documents of the collection.
   *
   * @return a changed copy
   */
  public RankedRun withoutIdenticalIds() {
    Map<String, List<ScoredId>> others = new LinkedHashMap<>();
    rankings.forEach((query, list) ->
        others.put(query, list.stream().filter(hit -> !hit.id().equals(query)).toList()));
    return new RankedRun(name, others);
  }

  /**
   * The judged queries that at least one of some runs was asked, in the order of the judgements.
   */
  static List<String> judged(Collection<RankedRun> runs, Qrels qrels) {
    return qrels.queries().stream()
        .filter(qrels::isJudged)
        .filter(query -> runs.stream().anyMatch(run -> run.rankings().containsKey(query)))
        .toList();
  }

  private static double score(Utf8Lines lines, String text) {
    String wrong = "expected a number as score, found \"" + text + '"';
    try {
      double score = Double.parseDouble(text);
      if (Double.isNaN(score)) {
        throw lines.bad(wrong, null);
      }
      return score;
    } catch (NumberFormatException e) {
      throw lines.bad(wrong, e);
    }
  }
}
