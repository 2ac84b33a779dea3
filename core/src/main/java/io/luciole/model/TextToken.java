package io.luciole.model;

import static java.util.Objects.requireNonNull;

/**
 * A token and the place of a text that it stands for. Several tokens may stand for one place, as
 * the character ﬁ does for f and i, and a token may stand for none.
 *
 * @param id its id
 * @param text what it stands for in the text; of a special token, its own string, such as {@code
 *     <s>}
 * @param special whether the tokenizer added it around the text
 * @param start where its place begins, in UTF-16 units; 0 for a special token
 * @param end where its place ends, in UTF-16 units; 0 for a special token
 */
public record TextToken(int id, String text, boolean special, int start, int end) {
  /** Checks the components. */
  public TextToken {
    requireNonNull(text, "text");
  }
}
