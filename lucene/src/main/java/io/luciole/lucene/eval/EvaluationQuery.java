package io.luciole.lucene.eval;

import static java.util.Objects.requireNonNull;

import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.SourceException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A query of a test collection.
 *
 * @param id what judgements know it by
 * @param text what is searched for
 */
public record EvaluationQuery(String id, String text) {
  /** Checks the components. */
  public EvaluationQuery {
    requireNonNull(id, "id");
    requireNonNull(text, "text");
  }

  /**
   * Reads queries from a file in the form of BEIR's {@code queries.jsonl}, one JSON object a line:
   * {@code {"_id": "q1", "text": "…"}}. {@link BeirReader} describes the form.
   *
   * @param file the file, UTF-8
   * @return the queries in the file's order
   * @throws SourceException if a line cannot be read, an id comes twice, or there is no query; the
   *     message names the line
   */
  public static List<EvaluationQuery> readBeir(Path file) {
    Map<String, EvaluationQuery> queries = new LinkedHashMap<>();
    try (DocumentSource source = BeirReader.open(file, "queries")) {
      while (source.hasNext()) {
        SourceDocument document = source.next();
        EvaluationQuery query = new EvaluationQuery(document.id(), document.text());
        if (queries.putIfAbsent(query.id(), query) != null) {
          throw new SourceException(
              source.position() + ": a second query with \"_id\" \"" + query.id() + '"', true);
        }
      }
    }
    return List.copyOf(queries.values());
  }
}
