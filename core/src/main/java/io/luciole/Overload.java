package io.luciole;

import io.luciole.internal.EnumNames;
import java.util.Locale;

/** What {@link EmbeddingEngine#embed} does while more waits than may. */
public enum Overload {
  /** It blocks until there is room, or the text's deadline passes. */
  BLOCK,
  /** It throws {@link EngineOverloadedException}. */
  REJECT;

  /** The name used in configuration: {@code block}, {@code reject}. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a name as {@link #id} writes it, in any case.
   *
   * @throws IllegalArgumentException if there is none such
   */
  public static Overload parse(String text) {
    return EnumNames.parse(values(), Overload::id, text);
  }
}
