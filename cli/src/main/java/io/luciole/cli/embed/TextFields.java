package io.luciole.cli.embed;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The names of the fields of JSON objects, or of the columns of a table, that make a text.
 *
 * @param id that of the id; null for {@code _id}, or {@code id} where there is none
 * @param text that of the text; null for {@code text}
 * @param title that of a title, which goes before the text; null for {@code title}
 */
public record TextFields(@Nullable String id, @Nullable String text, @Nullable String title) {
  /** The names that BEIR's files have. */
  public static final TextFields USUAL = new TextFields(null, null, null);

  /** The names that an id may have; the first that is there counts. */
  List<String> ids() {
    return id == null ? List.of("_id", "id") : List.of(id);
  }

  /** The name of the text. */
  String textName() {
    return text == null ? "text" : text;
  }

  /** The name of the title. */
  String titleName() {
    return title == null ? "title" : title;
  }

  /**
   * What is embedded: title and text with a space between, as {@code luciole index} embeds them.
   */
  static String joined(String title, String text) {
    return title.isEmpty() ? text : text.isEmpty() ? title : title + " " + text;
  }
}
