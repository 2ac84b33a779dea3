package io.luciole.lucene.eval;

import static java.util.Objects.requireNonNull;

import io.luciole.lucene.SourceException;
import io.luciole.lucene.Utf8Lines;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Which documents are relevant to which queries, and how much (query relevance judgements).
 * Immutable.
 */
public final class Qrels {
  private final Map<String, Map<String, Integer>> grades;

  private Qrels(Map<String, Map<String, Integer>> grades) {
    this.grades = grades;
  }

  /**
   * Makes judgements of grades.
   *
   * @param grades grades by query id, then document id; a grade of 0 or less means not relevant
   * @return the judgements
   */
  public static Qrels of(Map<String, Map<String, Integer>> grades) {
    Map<String, Map<String, Integer>> copy = new LinkedHashMap<>();
    grades.forEach((query, byDocument) -> copy.put(query, Map.copyOf(byDocument)));
    return new Qrels(Collections.unmodifiableMap(copy));
  }

  /**
   * Reads judgements, one a line: BEIR's three columns (query id, document id, grade, with or
   * without a header) or TREC's four (query id, 0, document id, grade). Columns are separated by
   * tabs where the line has any, so that ids may hold spaces, else by white space. A grade is a
   * whole number, {@code 1.0} too; the first line is a header if its last column is no number.
   *
   * @param file the file, UTF-8
   * @return the judgements
   * @throws SourceException if a line cannot be read, judges a pair otherwise than a line before,
   *     or there is none; the message names it
   */
  public static Qrels read(Path file) {
    Map<String, Map<String, Integer>> grades = new LinkedHashMap<>();
    try (Utf8Lines lines = Utf8Lines.open(requireNonNull(file, "file"))) {
      for (String line = lines.next(); line != null; line = lines.next()) {
        String[] columns = line.strip().split(line.indexOf('\t') >= 0 ? "\t" : "\\s+", -1);
        if (columns.length != 3 && columns.length != 4) {
          throw lines.bad(
              "expected query id, document id and grade, found " + columns.length + " columns",
              null);
        }
        String grade = columns[columns.length - 1].strip();
        boolean isHeader = lines.number() == 1 && !grade.isEmpty() && !isNumber(grade);
        if (!isHeader) {
          add(grades, lines, columns[0], columns[columns.length - 2], grade(lines, grade));
        }
      }
    }
    if (grades.isEmpty()) {
      throw new SourceException(
          "Expected judgements in " + file + ", one a line, found none", false);
    }
    return of(grades);
  }

  private static void add(
      Map<String, Map<String, Integer>> grades,
      Utf8Lines lines,
      String query,
      String document,
      int grade) {
    Integer before =
        grades.computeIfAbsent(query, q -> new LinkedHashMap<>()).putIfAbsent(document, grade);
    if (before != null && before != grade) {
      throw lines.bad(
          "expected one grade for query \""
              + query
              + "\" and document \""
              + document
              + "\", found "
              + grade
              + " after "
              + before
              + "; keep one of the two lines",
          null);
    }
  }

  private static boolean isNumber(String text) {
    try {
      Double.parseDouble(text);
      return true;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static int grade(Utf8Lines lines, String text) {
    try {
      return new BigDecimal(text).intValueExact();
    } catch (ArithmeticException | NumberFormatException e) {
      throw lines.bad("expected a whole number as grade, found \"" + text + '"', e);
    }
  }

  /** {@return the ids of the queries with judgements, in the order of the source} */
  public Set<String> queries() {
    return grades.keySet();
  }

  /**
   * Returns the grades of a query's judged documents.
   *
   * @param queryId the query's id
   * @return grades by document id; empty if there are none
   */
  public Map<String, Integer> grades(String queryId) {
    return grades.getOrDefault(queryId, Map.of());
  }

  /**
   * Tells whether a query has a relevant document.
   *
   * @param queryId the query's id
   * @return whether at least one grade is above 0
   */
  public boolean isJudged(String queryId) {
    return grades(queryId).values().stream().anyMatch(grade -> grade > 0);
  }
}
