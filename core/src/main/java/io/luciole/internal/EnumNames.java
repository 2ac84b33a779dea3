package io.luciole.internal;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Finds constants by the names that users write: in any case, with or without space around. */
public final class EnumNames {
  private EnumNames() {}

  /**
   * The constant of a name.
   *
   * @param values all constants
   * @param name the name of each
   */
  public static <E> Optional<E> find(E[] values, Function<E, String> name, String text) {
    String wanted = text.strip();
    return Arrays.stream(values).filter(v -> name.apply(v).equalsIgnoreCase(wanted)).findFirst();
  }

  /**
   * The constant of a name.
   *
   * @throws IllegalArgumentException if there is none such; the message lists those there are, as
   *     {@code expected truncate, error or chunk, got "cut"}
   */
  public static <E> E parse(E[] values, Function<E, String> name, String text) {
    return find(values, name, text)
        .orElseThrow(() -> {
          List<String> names = Arrays.stream(values).map(name).toList();
          int last = names.size() - 1;
          return new IllegalArgumentException(
              "expected "
                  + String.join(", ", names.subList(0, last))
                  + " or "
                  + names.get(last)
                  + ", got \""
                  + text
                  + '"');
        });
  }
}
