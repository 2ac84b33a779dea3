package io.luciole;

import io.luciole.internal.EnumNames;
import java.util.Locale;

/** What {@link EmbeddingEngine#embed} does while too many tokens wait. */
public enum Overload {
  /** It blocks until there is room, or the text's deadline passes. */
  BLOCK,
  /** It throws {@link EngineOverloadedException}. */
  REJECT;

  /** {@return the name used in configuration: {@code block}, {@code reject}} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a name as {@link #id} returns it, in upper or lower case.
   *
   * @param text the name
   * @return the rule
   * @throws IllegalArgumentException if no rule has this name
   */
  public static Overload parse(String text) {
    return EnumNames.parse(values(), Overload::id, text);
  }
}
