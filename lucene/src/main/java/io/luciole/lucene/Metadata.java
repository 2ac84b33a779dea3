package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What is known of a document beside its title and text: values by name, as a JSON object has them.
 * It is stored with the document, comes back with a hit, and can be filtered by ({@link
 * MetadataFilters}). The command, the server and the library all make it with {@link #of}, so the
 * same document has the same metadata by every way into an index.
 *
 * <p>A value is one of these; other Java types that are accepted become one of them:
 *
 * <table>
 *   <caption>Values</caption>
 *   <tr><th>JSON</th><th>here</th><th>also accepted</th></tr>
 *   <tr><td>string</td><td>{@code String}</td><td>{@code CharSequence}; {@code Instant}, {@code
 *       LocalDate}, {@code LocalDateTime} and {@code OffsetDateTime}, which become their ISO 8601
 *       text</td></tr>
 *   <tr><td>whole number</td><td>{@code Long}, beyond its range {@code BigInteger}</td><td>{@code
 *       Integer}, {@code Short}, {@code Byte}</td></tr>
 *   <tr><td>other number</td><td>{@code BigDecimal} with one or more decimals</td><td>{@code
 *       Double}, {@code Float}</td></tr>
 *   <tr><td>true, false</td><td>{@code Boolean}</td><td></td></tr>
 *   <tr><td>array</td><td>{@code List}</td><td>{@code Collection}, {@code Object[]}</td></tr>
 *   <tr><td>object</td><td>{@code Map}</td><td></td></tr>
 * </table>
 *
 * <p>A null stands for nothing: it is left out, of arrays too. Numbers keep their exact value and
 * their decimals: 10.0 stays 10.0, {@code 1e3} becomes 1000.0, −0.0 becomes 0.0. Their magnitude is
 * that of a {@code double}.
 *
 * <p>The value of an object within an object has a name with a dot: {@code {"author": {"name":
 * "Ada"}}} has the value "Ada" under the name {@code author.name}, like {@code {"author.name":
 * "Ada"}}. A name can have several values, one for each element of an array, those of objects in
 * arrays included.
 *
 * <p>Immutable. Equal to metadata with equal names and values in any order; 10.0 and 10.00 are
 * different values here, and equal in filters.
 */
public final class Metadata {
  /** Metadata without a value. */
  public static final Metadata EMPTY = new Metadata(Map.of());

  /** The fields of a JSON document that are no metadata. */
  private static final Set<String> RESERVED = Set.of("title", "text", "metadata");

  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
          .build();

  private final Map<String, Object> values;

  private Metadata(Map<String, Object> values) {
    this.values = values;
  }

  /**
   * Takes values by name.
   *
   * @param values the values; nulls among them are left out
   * @return the metadata, in the order of the map
   * @throws IllegalArgumentException if a value is of another type, not finite, nested more than
   *     100 deep, or a name is longer than 1024 bytes in UTF-8 or has the character U+0000
   */
  public static Metadata of(Map<String, ?> values) {
    return values.isEmpty() ? EMPTY : new Metadata(MetadataValues.object(values));
  }

  /**
   * Reads a JSON object.
   *
   * @param json the object
   * @return the metadata, in the object's order
   * @throws IllegalArgumentException if it is no JSON object, has a name twice, or as {@link #of}
   */
  public static Metadata parse(String json) {
    return of(readObject(json));
  }

  /**
   * Takes the metadata of a document that is a JSON object: all fields but its id, {@code title}
   * and {@code text}, and all members of an object {@code metadata}.
   *
   * @param document the document's fields
   * @return the metadata, in the document's order
   * @throws IllegalArgumentException if {@code metadata} is no object, a name stands both in it and
   *     beside it, or as {@link #of}
   */
  public static Metadata ofDocument(Map<String, ?> document) {
    String idField = idField(document.keySet());
    Map<String, Object> values = new LinkedHashMap<>();
    document.forEach((name, value) -> {
      if (name.equals("metadata") && value instanceof Map<?, ?> members) {
        members.forEach((member, of) -> putOnce(values, String.valueOf(member), of));
      } else if (name.equals("metadata") && value != null) {
        throw new IllegalArgumentException(
            "expected an object as \"metadata\", got " + MetadataValues.brief(value));
      } else if (!name.equals(idField) && !RESERVED.contains(name)) {
        putOnce(values, name, value);
      }
    });
    return of(values);
  }

  /** The field that holds a document's id: BEIR's {@code _id}, or else {@code id}. */
  static String idField(Set<String> fields) {
    return fields.contains("_id") ? "_id" : "id";
  }

  private static void putOnce(Map<String, Object> values, String name, Object value) {
    if (values.containsKey(name)) {
      throw new IllegalArgumentException(
          "expected \"" + name + "\" once, got it both in \"metadata\" and beside it");
    }
    values.put(name, value);
  }

  /** Reads a JSON object as plain maps, lists and values. */
  static Map<String, Object> readObject(String json) {
    try {
      Map<String, Object> object =
          MAPPER.readValue(json, new TypeReference<LinkedHashMap<String, Object>>() {});
      if (object != null) {
        return object;
      }
      throw new IllegalArgumentException("expected a JSON object, got null");
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "expected a JSON object, got \""
              + MetadataValues.shortened(json)
              + "\": "
              + e.getOriginalMessage(),
          e);
    }
  }

  /**
   * Starts metadata that is put together value by value.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** {@return the values by name; lists and maps within are immutable too} */
  public Map<String, Object> asMap() {
    return values;
  }

  /** {@return whether there is no value} */
  public boolean isEmpty() {
    return values.isEmpty();
  }

  /**
   * Returns the value of a name.
   *
   * @param name a name of {@link #asMap}, or one with dots, for a value within objects
   * @return the value; the first if there are several; empty if there is none
   */
  public Optional<Object> get(String name) {
    Object top = values.get(requireNonNull(name, "name"));
    if (top != null) {
      return Optional.of(top);
    }
    return all(name).stream().findFirst();
  }

  /**
   * Returns the value of a name as text: a string as it is, a number with its decimals and without
   * an exponent, a list or map as JSON.
   *
   * @param name as in {@link #get}
   * @return the text, or empty if there is no value
   */
  public Optional<String> text(String name) {
    return get(name).map(MetadataValues::text);
  }

  /**
   * Returns all values of a name, as filters see them.
   *
   * @param name the name, with dots where objects are nested
   * @return strings, numbers and booleans, in order; empty if there are none
   */
  public List<Object> all(String name) {
    return leaves().getOrDefault(requireNonNull(name, "name"), List.of());
  }

  /** The strings, numbers and booleans by their names with dots, in order. */
  Map<String, List<Object>> leaves() {
    Map<String, List<Object>> leaves = new LinkedHashMap<>();
    values.forEach((name, value) -> addLeaves(leaves, name, value));
    return leaves;
  }

  private static void addLeaves(Map<String, List<Object>> leaves, String name, Object value) {
    if (value instanceof List<?> list) {
      list.forEach(each -> addLeaves(leaves, name, each));
    } else if (value instanceof Map<?, ?> map) {
      map.forEach((member, of) -> addLeaves(leaves, name + '.' + member, of));
    } else {
      leaves.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
    }
  }

  /** {@return the metadata as a JSON object, numbers without exponents} */
  public String toJson() {
    return write(values);
  }

  static String write(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // Such values can always be written.
    }
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Metadata that && values.equals(that.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  /** {@return the JSON of {@link #toJson}} */
  @Override
  public String toString() {
    return toJson();
  }

  /** Puts metadata together. Not safe for use by several threads. */
  public static final class Builder {
    private final Map<String, Object> values = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Sets a value.
     *
     * @param name its name
     * @param value a value of a type that {@link Metadata} lists
     * @return this builder
     * @throws IllegalArgumentException as {@link Metadata#of}
     */
    public Builder put(String name, Object value) {
      values.putAll(
          MetadataValues.object(
              Collections.singletonMap(
                  requireNonNull(name, "name"), requireNonNull(value, "value"))));
      return this;
    }

    /** {@return the metadata put together so far} */
    public Metadata build() {
      return of(values);
    }
  }
}
