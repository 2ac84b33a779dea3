package io.luciole.cli.embed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.luciole.cli.embed.TextItem.Place;
import io.luciole.internal.JsonProblem;
import io.luciole.internal.LineReader;
import io.luciole.internal.Surrogates;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One JSON object a line, as {@code {"_id": …, "title": …, "text": …}}. Other fields are passed
 * over; the title may be missing or null.
 */
final class JsonTexts implements TextSource {
  /** Strings as long as a line may be: the limit on lines bounds them. */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(LineReader.LIMIT).build())
          .build();

  private final LineReader lines;
  private final String name;
  private final TextFields fields;

  JsonTexts(InputStream in, String name, TextFields fields) {
    this.lines = new LineReader(in, name);
    this.name = name;
    this.fields = fields;
  }

  @Override
  public @Nullable TextItem next() throws IOException {
    String line = LineTexts.nextLine(lines, name);
    return line == null ? null : new ObjectReader(new Place(name, lines.number())).read(line);
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  /** Reads the object of one line. */
  private final class ObjectReader {
    private final Place place;

    /** The ids that were found, by the names of their fields. */
    private final Map<String, TextId> ids = new HashMap<>();

    private @Nullable String text;
    private String title = "";

    ObjectReader(Place place) {
      this.place = place;
    }

    TextItem read(String line) throws BadTextException {
      try (JsonParser parser = JSON.createParser(line)) {
        readFields(parser);
      } catch (JsonProcessingException e) {
        throw bad(
            "not JSON: "
                + JsonProblem.of(e)
                + JsonProblem.column(e)
                + (place.line() == 1 ? "; for a text a line add --format lines" : ""),
            e);
      } catch (BadTextException e) {
        throw e;
      } catch (IOException e) {
        throw bad(String.valueOf(e.getMessage()), e);
      }
      TextId id = id();
      if (id == null) {
        throw bad(
            "expected the field \"" + String.join("\" or \"", fields.ids()) + "\", found none",
            null);
      }
      if (text == null) {
        throw bad("expected the field \"" + fields.textName() + "\", found none", null);
      }
      return new TextItem(place, id, TextFields.joined(title, text));
    }

    private void readFields(JsonParser parser) throws IOException {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw bad(
            "expected an object such as {\"id\": \"1\", \"text\": \"…\"}, found "
                + named(parser.currentToken()),
            null);
      }
      List<String> idNames = fields.ids();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        JsonToken value = parser.nextToken();
        if (idNames.contains(field)) {
          ids.put(field, id(parser, value, field));
        } else if (field.equals(fields.textName())) {
          text = string(parser, value, field);
        } else if (field.equals(fields.titleName())) {
          title = value == JsonToken.VALUE_NULL ? "" : string(parser, value, field);
        } else {
          parser.skipChildren();
        }
      }
      if (parser.nextToken() != null) {
        throw bad("expected one object a line, found more after it", null);
      }
    }

    private @Nullable TextId id() {
      return fields.ids().stream().filter(ids::containsKey).findFirst().map(ids::get).orElse(null);
    }

    private TextId id(JsonParser parser, JsonToken value, String field) throws IOException {
      return switch (value) {
        case VALUE_STRING -> TextId.of(whole(parser.getText(), field));
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new TextId(parser.getText(), true);
        default ->
            throw bad(
                "expected a string or a number for \"" + field + "\", found " + named(value), null);
      };
    }

    /** An id that can be written as UTF-8: half a surrogate pair would make different ids equal. */
    private String whole(String id, String field) throws BadTextException {
      if (Surrogates.halfAt(id) >= 0) {
        throw bad(
            "expected whole characters for \"" + field + "\", found half a surrogate pair", null);
      }
      return id;
    }

    private String string(JsonParser parser, JsonToken value, String field) throws IOException {
      if (value != JsonToken.VALUE_STRING) {
        throw bad("expected a string for \"" + field + "\", found " + named(value), null);
      }
      return parser.getText();
    }

    private BadTextException bad(String problem, @Nullable Throwable cause) {
      return new BadTextException(place, id(), problem, cause);
    }
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
