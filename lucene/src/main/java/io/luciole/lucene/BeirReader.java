package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads test collections in the layout of BEIR: {@code corpus.jsonl}, {@code queries.jsonl} and
 * {@code qrels.tsv}, all UTF-8.
 *
 * <pre>
 * corpus.jsonl   {"_id": "d1", "title": "…", "text": "…", anything else}
 * queries.jsonl  {"_id": "q1", "text": "…"}
 * qrels.tsv      query-id &lt;tab&gt; corpus-id &lt;tab&gt; grade, with or without that header; or TREC's
 *                four columns: query-id 0 corpus-id grade
 * </pre>
 *
 * <p>Ids may be JSON strings or whole numbers. A title may be missing or null. Anything else of a
 * document becomes metadata: strings as they are, other values as JSON.
 */
public final class BeirReader {
  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build()
          .readerFor(JsonNode.class);

  private BeirReader() {}

  /**
   * Opens a corpus. Its documents are read one at a time.
   *
   * @throws SourceException if there is no such file, or it holds no line
   */
  public static DocumentSource corpus(Path file) {
    Corpus corpus = new Corpus(Utf8Lines.open(requireNonNull(file, "file")));
    if (!corpus.hasNext()) {
      corpus.close();
      throw new SourceException(
          "Expected documents in " + file + ", one JSON object a line, found none", false, null);
    }
    return corpus;
  }

  /**
   * Reads queries, in the file's order.
   *
   * @throws SourceException if a line cannot be read, an id comes twice, or there is no query
   */
  public static List<EvaluationQuery> queries(Path file) {
    Map<String, EvaluationQuery> queries = new LinkedHashMap<>();
    try (Utf8Lines lines = Utf8Lines.open(requireNonNull(file, "file"))) {
      for (String line = lines.next(); line != null; line = lines.next()) {
        JsonNode object = parse(lines, line);
        EvaluationQuery query =
            new EvaluationQuery(id(lines, object), string(lines, object, "text", true));
        if (queries.putIfAbsent(query.id(), query) != null) {
          throw lines.bad("a second query with \"_id\" \"" + query.id() + '"', null);
        }
      }
    }
    if (queries.isEmpty()) {
      throw new SourceException(
          "Expected queries in " + file + ", one JSON object a line, found none", false, null);
    }
    return List.copyOf(queries.values());
  }

  /**
   * Reads judgements.
   *
   * @throws SourceException if a line cannot be read or there is none; the message names it
   */
  public static Qrels qrels(Path file) {
    Map<String, Map<String, Integer>> grades = new LinkedHashMap<>();
    try (Utf8Lines lines = Utf8Lines.open(requireNonNull(file, "file"))) {
      for (String line = lines.next(); line != null; line = lines.next()) {
        List<String> columns = columns(line);
        if (columns.size() != 3 && columns.size() != 4) {
          throw lines.bad(
              "expected query id, document id and grade, found " + columns.size() + " columns",
              null);
        }
        String grade = columns.get(columns.size() - 1);
        if (lines.number() == 1 && !grade.matches("-?\\d+")) {
          continue; // The header.
        }
        grades
            .computeIfAbsent(columns.get(0), query -> new LinkedHashMap<>())
            .put(columns.get(columns.size() - 2), grade(lines, grade));
      }
    }
    if (grades.isEmpty()) {
      throw new SourceException(
          "Expected judgements in " + file + ", one a line, found none", false, null);
    }
    return Qrels.of(grades);
  }

  /** Cut at tabs where there are any, so that ids may hold spaces; else at white space. */
  private static List<String> columns(String line) {
    return List.of(
        line.indexOf('\t') >= 0 ? line.strip().split("\t", -1) : line.strip().split("\\s+", -1));
  }

  private static int grade(Utf8Lines lines, String text) {
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      throw lines.bad("expected a whole number as grade, found \"" + text + '"', e);
    }
  }

  private static JsonNode parse(Utf8Lines lines, String line) {
    JsonNode node;
    try {
      node = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw lines.bad("expected a JSON object, found malformed JSON: " + e.getOriginalMessage(), e);
    }
    if (!node.isObject()) {
      throw lines.bad("expected a JSON object, found " + kind(node), null);
    }
    return node;
  }

  private static String id(Utf8Lines lines, JsonNode object) {
    JsonNode id = object.path("_id");
    if (id.isIntegralNumber()) {
      return id.asText();
    }
    String text = string(lines, object, "_id", true);
    if (text.isEmpty()) {
      throw lines.bad("expected an \"_id\", found an empty one", null);
    }
    return text;
  }

  private static String string(Utf8Lines lines, JsonNode object, String key, boolean required) {
    JsonNode value = object.path(key);
    if (value.isTextual()) {
      return value.textValue();
    }
    if (value.isMissingNode() && required) {
      throw lines.bad("expected \"" + key + "\", found none", null);
    }
    if (!required && (value.isMissingNode() || value.isNull())) {
      return "";
    }
    throw lines.bad("expected a string as \"" + key + "\", found " + kind(value), null);
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> "an array";
      case OBJECT -> "an object";
      case STRING -> "a string";
      case NULL -> "null";
      case BOOLEAN, NUMBER -> node.toString();
      default -> "nothing";
    };
  }

  private static final class Corpus extends LookAheadSource {
    private final Utf8Lines lines;

    Corpus(Utf8Lines lines) {
      this.lines = lines;
    }

    @Override
    @Nullable SourceDocument read() {
      String line = lines.next();
      if (line == null) {
        return null;
      }
      JsonNode object = parse(lines, line);
      Map<String, String> metadata = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> entry : object.properties()) {
        String key = entry.getKey();
        if (!key.equals("_id") && !key.equals("title") && !key.equals("text")) {
          JsonNode value = entry.getValue();
          metadata.put(key, value.isTextual() ? value.textValue() : value.toString());
        }
      }
      return new SourceDocument(
          id(lines, object),
          string(lines, object, "title", false),
          string(lines, object, "text", true),
          metadata);
    }

    @Override
    public String name() {
      return lines.file().toString();
    }

    @Override
    public String identity() {
      return lines.identity();
    }

    @Override
    public double fractionRead() {
      return lines.fractionRead();
    }

    @Override
    public void close() {
      lines.close();
    }
  }
}
