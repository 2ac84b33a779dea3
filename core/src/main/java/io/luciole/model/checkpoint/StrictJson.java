package io.luciole.model.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A walk over one JSON object that refuses duplicate keys, values of another kind than asked for
 * and anything after the object's end.
 */
final class StrictJson {
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  private final JsonParser parser;
  private final Path file;
  private final String what;

  private StrictJson(JsonParser parser, Path file, String what) {
    this.parser = parser;
    this.file = file;
    this.what = what;
  }

  /** Handles the value of one key; it must consume that value wholly. */
  interface Member {
    void read(String key, StrictJson json) throws IOException;
  }

  /** Reads {@code text}, which must be one object, handing each of its members over. */
  static void readObject(String text, Path file, String what, Member member) {
    try (JsonParser parser = FACTORY.createParser(text)) {
      StrictJson json = new StrictJson(parser, file, what);
      json.object(member);
      if (parser.nextToken() != null) {
        throw json.wrong("nothing after its closing brace", "more");
      }
    } catch (JacksonException e) {
      throw CheckpointException.of(
          "valid JSON in " + what,
          CheckpointException.quote(e.getOriginalMessage()),
          file,
          CheckpointException.DAMAGED,
          e);
    } catch (IOException e) {
      throw CheckpointException.of(what, String.valueOf(e), file, CheckpointException.DAMAGED, e);
    }
  }

  void object(Member member) throws IOException {
    expect(JsonToken.START_OBJECT);
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      member.read(parser.currentName(), this);
    }
  }

  String string() throws IOException {
    expect(JsonToken.VALUE_STRING);
    return parser.getText();
  }

  /** An array of at most {@code most} integers, none of them negative. */
  long[] sizes(int most) throws IOException {
    expect(JsonToken.START_ARRAY);
    long[] values = new long[most];
    int count = 0;
    JsonToken token;
    while ((token = parser.nextToken()) != JsonToken.END_ARRAY) {
      if (token != JsonToken.VALUE_NUMBER_INT || parser.getLongValue() < 0) {
        throw wrong("a non-negative integer", String.valueOf(parser.getText()));
      }
      if (count == most) {
        throw wrong("at most " + most + " numbers in an array", "more");
      }
      values[count++] = parser.getLongValue();
    }
    return Arrays.copyOf(values, count);
  }

  void skip() throws IOException {
    parser.nextToken();
    parser.skipChildren();
  }

  private void expect(JsonToken expected) throws IOException {
    JsonToken token = parser.nextToken();
    if (token != expected) {
      throw wrong(String.valueOf(expected), String.valueOf(token));
    }
  }

  private CheckpointException wrong(String expected, String found) {
    return CheckpointException.of(
        expected + " in " + what,
        CheckpointException.quote(found)
            + " at character "
            + parser.currentTokenLocation().getCharOffset(),
        file,
        CheckpointException.DAMAGED);
  }
}
