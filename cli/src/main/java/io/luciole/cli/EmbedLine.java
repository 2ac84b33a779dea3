package io.luciole.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.luciole.internal.LineReader;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One line of {@code embed}'s input.
 *
 * @param id the id as JSON, a string or a number, written as it stood
 * @param text the text, which may be empty
 */
record EmbedLine(String id, String text) {
  /** Strings as long as a line may be: the limit on lines bounds them. */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(LineReader.LIMIT).build())
          .build();

  /**
   * Reads {@code {"id": …, "text": …}}; other fields are passed over.
   *
   * @param where the line's place, for messages
   * @throws CliException if the line is something else
   */
  static EmbedLine parse(String line, String where) {
    String id = null;
    String text = null;
    String likeId = null;
    try (JsonParser parser = JSON.createParser(line)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new CliException(
            where
                + ": expected an object such as {\"id\": \"1\", \"text\": \"…\"}, found "
                + named(parser.currentToken()));
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        JsonToken value = parser.nextToken();
        switch (field) {
          case "id" -> id = idAsJson(parser, value, where);
          case "text" -> text = text(parser, value, where);
          default -> {
            likeId = field.equals("_id") ? field : likeId;
            parser.skipChildren();
          }
        }
      }
      if (parser.nextToken() != null) {
        throw new CliException(where + ": expected one object a line, found more after it");
      }
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw new CliException(
          where
              + ": not JSON: "
              + e.getOriginalMessage()
              + (at == null ? "" : " (column " + at.getColumnNr() + ")"),
          e);
    } catch (IOException e) {
      throw new CliException(where + ": " + Failures.message(e), e);
    }
    if (id == null) {
      throw new CliException(
          where
              + ": expected the field \"id\", found none"
              + (likeId == null ? "" : "; \"_id\" is for luciole index, which reads BEIR files"));
    }
    if (text == null) {
      throw new CliException(where + ": expected the field \"text\", found none");
    }
    return new EmbedLine(id, text);
  }

  private static String idAsJson(JsonParser parser, JsonToken value, String where)
      throws IOException {
    return switch (value) {
      case VALUE_STRING -> EmbeddingLines.quote(parser.getText());
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getText();
      default ->
          throw new CliException(
              where + ": expected a string or a number for \"id\", found " + named(value));
    };
  }

  private static String text(JsonParser parser, JsonToken value, String where) throws IOException {
    if (value != JsonToken.VALUE_STRING) {
      throw new CliException(where + ": expected a string for \"text\", found " + named(value));
    }
    return parser.getText();
  }

  private static String named(@Nullable JsonToken token) {
    if (token == null) {
      return "nothing";
    }
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "a string";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
      case VALUE_TRUE, VALUE_FALSE -> "true or false";
      case VALUE_NULL -> "null";
      default -> token.name();
    };
  }
}
