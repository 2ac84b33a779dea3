package io.luciole.cli.embed;

import static java.util.Objects.requireNonNull;

/**
 * A text to embed.
 *
 * @param place where it stands
 * @param id its id
 * @param text the text, which may be empty
 */
public record TextItem(Place place, TextId id, String text) {
  /**
   * Where a text stands.
   *
   * @param input the file's name, or "standard input"
   * @param line the number of its line, or of its first one, from 1
   */
  public record Place(String input, long line) {
    /** For messages. */
    @Override
    public String toString() {
      return input + ", line " + line;
    }
  }

  /** Checks the components. */
  public TextItem {
    requireNonNull(place, "place");
    requireNonNull(id, "id");
    requireNonNull(text, "text");
  }
}
