package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads documents from a UTF-8 file in the form of BEIR's {@code corpus.jsonl}, one JSON object a
 * line:
 *
 * <pre>
 * {"_id": "d1", "title": "…", "text": "…", anything else}
 * </pre>
 *
 * <p>An id is a JSON string or a whole number. The title may be missing or null. Every other field
 * becomes metadata: a string keeps its value, any other value becomes its JSON.
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
   * Opens a file of documents. They are read one at a time.
   *
   * @param file the file
   * @return the documents in the file's order
   * @throws SourceException if there is no such file, or it has no line that is not blank
   */
  public static DocumentSource corpus(Path file) {
    return open(file, "documents");
  }

  /**
   * Opens a file of anything that has the form of BEIR's documents, such as queries.
   *
   * @param file the file
   * @param contents what the objects are called in messages, in the plural
   * @return the objects in the file's order
   * @throws SourceException if there is no such file, or it has no line that is not blank
   */
  public static DocumentSource open(Path file, String contents) {
    Corpus corpus = new Corpus(Utf8Lines.open(requireNonNull(file, "file")));
    if (!corpus.hasNext()) {
      corpus.close();
      throw new SourceException(
          "Expected " + contents + " in " + file + ", one JSON object a line, found none", false);
    }
    return corpus;
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
    public String position() {
      return lines.position();
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
