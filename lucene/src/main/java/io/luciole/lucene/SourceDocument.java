package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Map;

/**
 * A document as it comes from a source, before it is embedded. Immutable.
 *
 * @param id its name within the index; a second document with the same id replaces the first
 * @param title its title, may be empty
 * @param text its text, may be empty
 * @param metadata whatever else is known of it; stored with it and given back with a hit
 */
public record SourceDocument(String id, String title, String text, Metadata metadata) {
  /**
   * Checks the components.
   *
   * @throws IllegalArgumentException if the id is empty, or has half of a surrogate pair
   */
  public SourceDocument {
    requireNonNull(id, "id");
    requireNonNull(title, "title");
    requireNonNull(text, "text");
    if (id.isEmpty()) {
      throw new IllegalArgumentException("expected an id, got an empty one");
    }
    DocumentIds.requireCharacters(id);
    requireNonNull(metadata, "metadata");
  }

  /**
   * Makes a document with values as metadata.
   *
   * @param id its id
   * @param title its title, may be empty
   * @param text its text, may be empty
   * @param metadata values by name, as {@link Metadata#of} takes them
   * @throws IllegalArgumentException if the id is empty or has half of a surrogate pair, or as
   *     {@link Metadata#of}
   */
  public SourceDocument(String id, String title, String text, Map<String, ?> metadata) {
    this(id, title, text, Metadata.of(metadata));
  }

  /**
   * Makes a document without metadata.
   *
   * @param id its id
   * @param title its title, may be empty
   * @param text its text, may be empty
   * @return the document
   * @throws IllegalArgumentException if the id is empty, or has half of a surrogate pair
   */
  public static SourceDocument of(String id, String title, String text) {
    return new SourceDocument(id, title, text, Metadata.EMPTY);
  }

  /** {@return what is embedded, and searched by its words: title and text, with a space between} */
  public String content() {
    return title.isEmpty() ? text : text.isEmpty() ? title : title + " " + text;
  }
}
