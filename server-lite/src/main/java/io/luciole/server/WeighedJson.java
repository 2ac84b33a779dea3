package io.luciole.server;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A parser that takes memory for the values it gives, before they are made: a small body of many
 * names becomes a tree of many times its bytes. What a body of less than {@link #STEP} needs is not
 * taken at all. A body with more values than any request has is refused where the first is too
 * many: the collector would have to copy all of those before them.
 */
final class WeighedJson extends JsonParserDelegate {
  /** Memory is taken in steps of so many bytes. */
  static final int STEP = 64 << 10;

  /** Most fields of one object, or elements of one array. */
  private static final int MOST_MEMBERS = 100_000;

  /** Most values of a body. */
  private static final int MOST_VALUES = 1_000_000;

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
  private int values;

  /** The members that each open object or array had so far, and those of the body itself. */
  private int[] members = new int[8];

  private int depth;

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

  @Override
  public BigDecimal getDecimalValue() throws IOException {
    try {
      return super.getDecimalValue();
    } catch (NumberFormatException e) {
      JsonLocation at = currentTokenLocation();
      throw Problem.invalid(
          null,
          "Expected a number whose exponent has at most nine digits, found "
              + JsonBodies.shortened(getText())
              + " (line "
              + at.getLineNr()
              + ", column "
              + at.getColumnNr()
              + ").");
    }
  }

  private void count(JsonToken token) {
    if (token.isStructEnd()) {
      depth--;
    } else if (token != JsonToken.FIELD_NAME) {
      require(++members[depth], MOST_MEMBERS, "fields or elements in one object or array");
      require(++values, MOST_VALUES, "values");
      if (token.isStructStart()) {
        depth++;
        if (depth == members.length) {
          members = Arrays.copyOf(members, 2 * depth);
        }
        members[depth] = 0;
      }
    }
  }

  private static void require(int count, int most, String what) {
    if (count > most) {
      throw Problem.tooLarge(
          null, "A body may have " + most + ' ' + what + ", this one has more; send several.");
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
