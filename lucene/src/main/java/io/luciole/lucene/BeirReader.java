package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.luciole.internal.Surrogates;
import java.math.BigInteger;
import java.nio.file.Path;
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
 * <p>An id is a JSON string or a whole number; {@code id} is taken where there is no {@code _id}.
 * The title may be missing or null. All other fields, and the members of an object {@code
 * metadata}, become metadata ({@link Metadata#ofDocument}). A name that comes twice in an object is
 * refused.
 */
public final class BeirReader {
  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build()
          .readerFor(Object.class);

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

  @SuppressWarnings("unchecked") // Jackson reads every JSON object with names that are strings.
  private static Map<String, ?> parse(Utf8Lines lines, String line) {
    Object value;
    try {
      value = JSON.readValue(line);
    } catch (JsonProcessingException e) {
      throw lines.bad("expected a JSON object, found malformed JSON: " + e.getOriginalMessage(), e);
    }
    if (value instanceof Map<?, ?> object) {
      return (Map<String, ?>) object;
    }
    throw lines.bad("expected a JSON object, found " + MetadataValues.brief(value), null);
  }

  private static String id(Utf8Lines lines, Map<String, ?> object) {
    String field = Metadata.idField(object.keySet());
    Object id = object.get(field);
    if (id instanceof Integer || id instanceof Long || id instanceof BigInteger) {
      return id.toString();
    }
    if (id == null) {
      throw lines.bad("expected \"_id\", found none", null);
    }
    String text = string(lines, object, field, true);
    if (text.isEmpty()) {
      throw lines.bad("expected an \"_id\", found an empty one", null);
    }
    if (Surrogates.halfAt(text) >= 0) {
      throw lines.bad(
          "expected an \"_id\" of whole characters, found half of a surrogate pair", null);
    }
    return text;
  }

  private static String string(
      Utf8Lines lines, Map<String, ?> object, String key, boolean required) {
    Object value = object.get(key);
    if (value instanceof String text) {
      return text;
    }
    if (required && !object.containsKey(key)) {
      throw lines.bad("expected \"" + key + "\", found none", null);
    }
    if (!required && value == null) {
      return "";
    }
    throw lines.bad(
        "expected a string as \"" + key + "\", found " + MetadataValues.brief(value), null);
  }

  private static Metadata metadata(Utf8Lines lines, Map<String, ?> object) {
    try {
      return Metadata.ofDocument(object);
    } catch (IllegalArgumentException e) {
      throw lines.bad(String.valueOf(e.getMessage()), e);
    }
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
      Map<String, ?> object = parse(lines, line);
      return new SourceDocument(
          id(lines, object),
          string(lines, object, "title", false),
          string(lines, object, "text", true),
          metadata(lines, object));
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
