package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import com.google.inject.Inject;
import io.luciole.internal.Surrogates;
import io.luciole.lucene.Metadata;
import io.luciole.lucene.SourceDocument;
import org.jspecify.annotations.Nullable;

/** Documents in requests and answers. */
final class DocumentBodies {
  private static final int MAX_ID = 8000;

  private final int maxText;
  private final IndexSettings.DocumentLimits limits;

  @Inject
  DocumentBodies(ServerConfig config) {
    this.maxText = config.limits().maxCharacters();
    this.limits = config.indexes().documents();
  }

  /**
   * Reads a document: BEIR's {@code _id} or else {@code id}, {@code title} and {@code text}. All
   * other fields, and the members of an object {@code metadata}, are its metadata.
   *
   * @param where what stands before the names of fields in messages, such as {@code documents[2].}
   */
  SourceDocument read(ObjectNode object, String where) {
    String id = id(object);
    if (id == null) {
      throw JsonBodies.wrong(where + "id", "a string", idNode(object));
    }
    if (id.isEmpty() || id.length() > MAX_ID) {
      throw Problem.invalid(where + "id", "Expected an id of 1 to " + MAX_ID + " characters.");
    }
    requireCharacters(id, where + "id");
    String title = text(object, "title", where, "");
    String text = text(object, "text", where, null);
    requireAtMost(limits.maxTitle(), title.length(), "characters in its title", where + "title");
    requireAtMost(maxText, text.length(), "characters in its text", where + "text");
    requireAtMost(limits.maxValues(), values(object), "metadata values", where + "metadata");
    try {
      Metadata metadata = Metadata.ofDocument(JsonBodies.plain(object));
      long size = (long) title.length() + text.length() + metadata.toJson().length();
      requireAtMost(
          limits.maxCharacters(), size, "characters with its metadata", where + "metadata");
      return new SourceDocument(id, title, text, metadata);
    } catch (IllegalArgumentException e) {
      throw Problem.invalid(where + "metadata", JsonBodies.sentence(e));
    }
  }

  /**
   * Refuses an id with half of a surrogate pair, which is no character: an index would keep another
   * in its place, the same for all of them.
   */
  static void requireCharacters(String id, String where) {
    int half = Surrogates.halfAt(id);
    if (half >= 0) {
      throw Problem.invalid(
          where,
          "Expected an id of whole characters, found one half of a surrogate pair, \\u"
              + Integer.toHexString(id.charAt(half))
              + ", at "
              + half
              + '.');
    }
  }

  /** The id in a document, whatever else is wrong with it; null if there is none. */
  static @Nullable String id(ObjectNode object) {
    JsonNode id = idNode(object);
    return id.isTextual() || id.isIntegralNumber() ? id.asText() : null;
  }

  private static JsonNode idNode(ObjectNode object) {
    return object.has("_id") ? object.get("_id") : object.path("id");
  }

  private static String text(
      ObjectNode object, String field, String where, @Nullable String otherwise) {
    JsonNode value = object.path(field);
    if (value.isTextual()) {
      return value.textValue();
    }
    if (otherwise == null || !(value.isMissingNode() || value.isNull())) {
      throw JsonBodies.wrong(where + field, "a string", value);
    }
    return otherwise;
  }

  private static void requireAtMost(long most, long found, String what, String where) {
    if (found > most) {
      throw Problem.tooLarge(
          where, "A document may have " + most + " " + what + ", this one has " + found + '.');
    }
  }

  /** How many values there are in arrays and objects, beside id, title and text. */
  private static long values(ObjectNode object) {
    return valuesWithin(object)
        - (object.has("_id") || object.has("id") ? 1 : 0)
        - (object.has("title") ? 1 : 0)
        - (object.has("text") ? 1 : 0);
  }

  private static long valuesWithin(JsonNode node) {
    if (!node.isContainerNode()) {
      return 1;
    }
    long values = 0;
    for (JsonNode child : node) {
      values += valuesWithin(child);
    }
    return values;
  }

  /** Writes a document so that {@link #read} reads it. */
  static ObjectNode write(SourceDocument document) {
    ObjectNode object =
        JsonBodies.object()
            .put("id", document.id())
            .put("title", document.title())
            .put("text", document.text());
    object.putRawValue("metadata", new RawValue(document.metadata().toJson()));
    return object;
  }
}
