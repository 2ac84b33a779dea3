package io.luciole.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.internal.JsonProblem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON of requests and writes the JSON of answers. Reading is strict: UTF-8, no duplicate
 * keys, nothing after the value, limited depth. A field that is missing or has another type throws
 * a {@link Problem} that names the field, what was expected and what was found.
 */
final class JsonBodies {
  private static final int MAX_DEPTH = 100;

  /** How the parser's messages name where a value starts. */
  private static final Pattern SOURCE = Pattern.compile("\\[Source:[^\\]]*; (line: [^\\]]*)\\]");

  /** What the parser's messages say of its own settings, which clients do not have. */
  private static final Pattern SETTING =
      Pattern.compile("(, from|: enable|: not allowed as per) `[^`]*`( to allow)?");

  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(1 << 28)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  // Names come from clients: the JVM's table of strings would grow with each.
                  .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                  // Other encodings are refused; the byte order mark is passed over here.
                  .disable(JsonFactory.Feature.CHARSET_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private static final TypeReference<Map<String, Object>> PLAIN = new TypeReference<>() {};

  private static final ObjectReader READER = MAPPER.readerFor(JsonNode.class);

  /** Writes a body. */
  interface Writing {
    void write(JsonGenerator out) throws IOException;
  }

  private JsonBodies() {}

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  static ArrayNode array() {
    return JsonNodeFactory.instance.arrayNode();
  }

  /**
   * Parses a body, which must be an object.
   *
   * @param memory takes the bytes of memory that its values need beyond those of their text, a part
   *     after another
   */
  static ObjectNode parseObject(byte[] body, LongConsumer memory) {
    if (isBlank(body)) {
      throw Problem.invalid(null, "Expected a JSON object, found an empty body.");
    }
    requireUtf8(body);
    int start = hasByteOrderMark(body) ? BYTE_ORDER_MARK.length : 0;
    JsonNode node;
    try (JsonParser parser =
        new WeighedJson(MAPPER.createParser(body, start, body.length - start), memory)) {
      node = READER.readValue(parser);
    } catch (MismatchedInputException e) {
      throw Problem.invalid(
          null,
          "Expected one JSON object and nothing after it, found more" + JsonProblem.place(e) + '.');
    } catch (StreamConstraintsException e) {
      throw Problem.invalid(null, "The JSON is nested or long beyond reason: " + at(e));
    } catch (JsonProcessingException e) {
      throw Problem.invalid(null, "Expected JSON, found malformed JSON: " + at(e));
    } catch (IOException e) {
      throw new IllegalStateException(e); // From memory, that does not happen.
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw Problem.invalid(null, "Expected a JSON object, found " + kind(node) + '.');
  }

  /** The parser itself would take sequences that are no UTF-8, for the characters of others. */
  private static void requireUtf8(byte[] body) {
    int invalid = StrictUtf8.firstInvalid(body);
    if (invalid >= 0) {
      throw Problem.invalid(
          null, "Expected JSON in UTF-8, found other bytes from byte " + (invalid + 1) + " on.");
    }
    if (body[0] == 0 || (body.length > 1 && body[1] == 0)) {
      throw Problem.invalid(null, "Expected JSON in UTF-8, found UTF-16 or UTF-32.");
    }
  }

  private static boolean hasByteOrderMark(byte[] body) {
    int length = BYTE_ORDER_MARK.length;
    return body.length >= length && Arrays.equals(body, 0, length, BYTE_ORDER_MARK, 0, length);
  }

  private static boolean isBlank(byte[] body) {
    for (byte each : body) {
      if (each != ' ' && each != '\t' && each != '\r' && each != '\n') {
        return false;
      }
    }
    return true;
  }

  /** An object as maps, lists, strings, booleans and exact numbers. */
  static Map<String, Object> plain(ObjectNode object) {
    return MAPPER.convertValue(object, PLAIN);
  }

  /** Maps, lists, strings, booleans and numbers as JSON. */
  static JsonNode tree(Object plain) {
    return MAPPER.valueToTree(plain);
  }

  /** The message of an exception of the library's, which begins in lower case, as a sentence. */
  static String sentence(IllegalArgumentException e) {
    String message = String.valueOf(e.getMessage());
    return Character.toUpperCase(message.charAt(0)) + message.substring(1) + '.';
  }

  /** The parser's message without the names of its own settings, and where the JSON is wrong. */
  private static String at(JsonProcessingException e) {
    String message = words(e);
    String brief = message.length() > 200 ? message.substring(0, 200) + "…" : message;
    return brief + JsonProblem.place(e);
  }

  private static String words(JsonProcessingException e) {
    String message = String.valueOf(e.getOriginalMessage());
    return SETTING.matcher(SOURCE.matcher(message).replaceAll("$1")).replaceAll("");
  }

  static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // Trees can always be written.
    }
  }

  /** A line of JSON Lines, with its end. */
  static byte[] line(JsonNode node) {
    byte[] bytes = bytes(node);
    byte[] line = Arrays.copyOf(bytes, bytes.length + 1);
    line[bytes.length] = '\n';
    return line;
  }

  /** Writes large JSON without building a tree. */
  static byte[] bytes(Writing writing) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(8192);
    try (JsonGenerator out = MAPPER.createGenerator(bytes)) {
      writing.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // To memory, that does not happen.
    }
    return bytes.toByteArray();
  }

  /** Refuses fields that are not known, so that a misspelt option is not silently ignored. */
  static void requireKnown(ObjectNode object, String... known) {
    BodyFields.strict(known).check(object);
  }

  static String string(JsonNode object, String field) {
    String value = stringOr(object, field);
    if (value == null) {
      throw Problem.invalid(field, "Expected \"" + field + "\", a string, found none.");
    }
    return value;
  }

  static @Nullable String stringOr(JsonNode object, String field) {
    JsonNode value = object.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return null;
    }
    if (!value.isTextual()) {
      throw wrong(field, "a string", value);
    }
    return value.textValue();
  }

  /** A string, or a default if the field is missing or null. */
  static String string(JsonNode object, String field, String otherwise) {
    String value = stringOr(object, field);
    return value == null ? otherwise : value;
  }

  static boolean flag(JsonNode object, String field, boolean otherwise) {
    JsonNode value = object.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return otherwise;
    }
    if (!value.isBoolean()) {
      throw wrong(field, "true or false", value);
    }
    return value.booleanValue();
  }

  /** A whole number within a range, both ends included, or a default. */
  static int integer(JsonNode object, String field, int otherwise, int min, int max) {
    JsonNode value = object.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return otherwise;
    }
    if (!value.isIntegralNumber()
        || !value.canConvertToInt()
        || value.intValue() < min
        || value.intValue() > max) {
      throw wrong(field, "a whole number from " + min + " to " + max, value);
    }
    return value.intValue();
  }

  /** A weight: a number from 0 to 1e9. */
  static double weight(JsonNode value, String where) {
    if (!value.isNumber() || !(value.doubleValue() >= 0) || value.doubleValue() > 1e9) {
      throw wrong(where, "a number of 0 or more", value);
    }
    return value.doubleValue();
  }

  /** The enum constant with a name, ignoring case. */
  static <E extends Enum<E>> E choice(String value, String where, Collection<E> values) {
    for (E each : values) {
      if (each.name().equalsIgnoreCase(value)) {
        return each;
      }
    }
    throw Problem.invalid(
        where,
        "Expected one of "
            + values.stream()
                .map(v -> v.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "))
            + " as \""
            + where
            + "\", found \""
            + shortened(value)
            + "\".");
  }

  /** An array of strings. */
  static List<String> strings(JsonNode value, String where) {
    if (!value.isArray()) {
      throw wrong(where, "an array of strings", value);
    }
    List<String> strings = new ArrayList<>(value.size());
    for (int i = 0; i < value.size(); i++) {
      if (!value.get(i).isTextual()) {
        throw wrong(where + '[' + i + ']', "a string", value.get(i));
      }
      strings.add(value.get(i).textValue());
    }
    return strings;
  }

  static Problem wrong(String where, String expected, JsonNode found) {
    return Problem.invalid(
        where, "Expected " + expected + " as \"" + where + "\", found " + kind(found) + '.');
  }

  static String shortened(String value) {
    return value.length() > 60 ? value.substring(0, 60) + "…" : value;
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> node.isEmpty() ? "an empty array" : "an array";
      case OBJECT -> "an object";
      case STRING -> "a string";
      case NULL -> "null";
      case BOOLEAN, NUMBER -> shortened(node.toString());
      default -> "nothing";
    };
  }
}
