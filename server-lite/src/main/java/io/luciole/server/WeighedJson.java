package io.luciole.server;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import java.io.IOException;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A parser that takes memory for the values it gives, before they are made: a small body of many
 * names becomes a tree of many times its bytes. What a body of less than {@link #STEP} needs is not
 * taken at all. A body with more fields than any request has is refused where the first is too
 * many.
 */
final class WeighedJson extends JsonParserDelegate {
  /** Memory is taken in steps of so many bytes. */
  static final int STEP = 64 << 10;

  /** Most fields of a body, of which a document has as many as it has metadata. */
  private static final int MOST_FIELDS = 100_000;

  /** A name: its string, its entry among the names of its object, and the map's that finds it. */
  private static final int NAME = 160;

  /** An object or an array without its members. */
  private static final int CONTAINER = 128;

  /** A string but for its characters. */
  private static final int TEXT = 64;

  /** A number, true, false or null, with its place in an array. */
  private static final int SCALAR = 32;

  private final LongConsumer memory;
  private int untaken;
  private int depth;
  private int fields;

  WeighedJson(JsonParser parser, LongConsumer memory) {
    super(parser);
    this.memory = memory;
  }

  @Override
  public @Nullable JsonToken nextToken() throws IOException {
    JsonToken token = super.nextToken();
    if (token != null) {
      count(token);
      untaken += weight(token);
      if (untaken >= STEP) {
        memory.accept(untaken);
        untaken = 0;
      }
    }
    return token;
  }

  private void count(JsonToken token) {
    depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
    if (depth == 1 && token == JsonToken.FIELD_NAME && ++fields > MOST_FIELDS) {
      throw Problem.tooLarge(
          null, "A body may have " + MOST_FIELDS + " fields, this one has more.");
    }
  }

  private static int weight(JsonToken token) {
    return switch (token) {
      case FIELD_NAME -> NAME;
      case START_OBJECT, START_ARRAY -> CONTAINER;
      case VALUE_STRING -> TEXT;
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_TRUE, VALUE_FALSE, VALUE_NULL -> SCALAR;
      default -> 0;
    };
  }
}
