package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.internal.Spelling;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The fields that a request's body or the names that its query string may have, and what becomes of
 * others: a misspelt option must not be silently ignored. Immutable.
 *
 * <p>Strict fields refuse every other one, as OpenAI, Cohere and our own APIs do. Lenient ones
 * ignore them, as text-embeddings-inference, Infinity and Weaviate do, unless such a field is a
 * slip away from one that is read.
 *
 * @param read the fields that are read
 * @param ignored fields that the original of an API documents, and that have no effect here
 * @param fixed fields that the original documents, with the only value that is offered; null is
 *     taken as well
 * @param lenient whether others are ignored
 */
record BodyFields(
    List<String> read, List<String> ignored, Map<String, JsonNode> fixed, boolean lenient) {
  /** Reads none and refuses none. */
  static final BodyFields ANY = lenient(new String[0]);

  /** Most letters that a slip of the pen changes. */
  private static final int SLIP = 2;

  /** Fields of which others are refused. */
  static BodyFields strict(String... read) {
    return new BodyFields(List.of(read), List.of(), Map.of(), false);
  }

  /** Fields of which others are ignored. */
  static BodyFields lenient(String... read) {
    return new BodyFields(List.of(read), List.of(), Map.of(), true);
  }

  /** The same, and fields that have no effect. */
  BodyFields ignoring(String... names) {
    return new BodyFields(read, List.of(names), fixed, lenient);
  }

  /** The same, and fields of which only one value is offered. */
  BodyFields fixing(Map<String, JsonNode> values) {
    return new BodyFields(read, ignored, Map.copyOf(values), lenient);
  }

  /**
   * Checks the fields of a request.
   *
   * @throws Problem if one is refused, with its name
   */
  void check(JsonNode body) {
    for (Map.Entry<String, JsonNode> field : body.properties()) {
      String name = field.getKey();
      if (read.contains(name) || ignored.contains(name)) {
        continue;
      }
      JsonNode only = fixed.get(name);
      if (only == null) {
        checkUnknown("field", name);
      } else if (!field.getValue().isNull() && !only.equals(field.getValue())) {
        throw Problem.invalid(
            name, "Of \"" + name + "\" only " + only + " is offered; leave the field out.");
      }
    }
  }

  /**
   * Checks the names in a query string.
   *
   * @throws Problem if one is refused
   */
  void checkQuery(Collection<String> names) {
    for (String name : names) {
      if (!read.contains(name)) {
        checkUnknown("name in the query string", name);
      }
    }
  }

  private void checkUnknown(String kind, String name) {
    Optional<String> meant =
        Spelling.closest(name, read).filter(known -> Spelling.distance(known, name) <= SLIP);
    if (lenient && meant.isEmpty()) {
      return;
    }
    List<String> known = new ArrayList<>(read);
    known.addAll(ignored);
    known.addAll(fixed.keySet().stream().sorted().toList());
    throw Problem.invalid(
        name,
        "Unknown "
            + kind
            + " \""
            + name
            + meant.map(each -> "\"; did you mean \"" + each + "\"?").orElse("\".")
            + " Known: "
            + (known.isEmpty() ? "none" : String.join(", ", known))
            + '.');
  }
}
