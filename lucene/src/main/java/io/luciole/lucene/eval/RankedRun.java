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
import java.util.Collections;
import java.util.Comparator;
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
   * @param file the file, which is replaced
   * @throws SourceException if the file cannot be written
   */
  public void writeTrec(Path file) {
    requireNonNull(file, "file");
    try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      for (Map.Entry<String, List<ScoredId>> ranking : rankings.entrySet()) {
        int rank = 0;
        float before = Float.POSITIVE_INFINITY;
        for (ScoredId hit : ranking.getValue()) {
          // trec_eval reads 32 bits and sorts ties by name.
          float score = Math.min((float) hit.score(), Math.nextDown(before));
          before = score;
          rank++;
          out.write(
              word(ranking.getKey())
                  + " Q0 "
                  + word(hit.id())
                  + " "
                  + rank
                  + " "
                  + score
                  + " "
                  + word(name)
                  + "\n");
        }
      }
    } catch (IOException e) {
      throw new SourceException("Cannot write the run file " + file + ": " + e, false, e);
    }
  }

  /** A name without white space, which separates the columns. */
  private static String word(String name) {
    return name.replaceAll("\\s+", "_");
  }

  /**
   * Reads a TREC run file. Documents are ordered by their scores, ties as in the file.
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
    rankings
        .values()
        .forEach(list -> list.sort(Comparator.comparingDouble(ScoredId::score).reversed()));
    return new RankedRun(name, rankings);
  }

  private static double score(Utf8Lines lines, String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw lines.bad("expected a number as score, found \"" + text + '"', e);
    }
  }
}
