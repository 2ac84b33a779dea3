package io.luciole;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the values of a {@link Key} from text and says what they look like. Immutable, and safe for
 * use by several threads if the function is.
 *
 * @param <T> the type of the values
 */
public final class ValueParser<T> {
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9}) *(ms|s|m|h)");
  private static final Pattern SIZE = Pattern.compile("(\\d{1,10}) *([kmg]?)");

  private static final ValueParser<String> TEXT = of("text", text -> text);
  private static final ValueParser<Path> PATH = of("a path", Path::of);
  private static final ValueParser<Integer> POSITIVE =
      expecting("a whole number of at least 1", text -> integer(text, 1, Integer.MAX_VALUE));
  private static final ValueParser<Integer> PORT =
      expecting("a port, 0 to 65535", text -> integer(text, 0, 0xFFFF));
  private static final ValueParser<Long> SIZE_IN_BYTES =
      expecting("a size such as 65536, 64k or 16m", ValueParser::size);
  private static final ValueParser<Duration> TIME =
      expecting("a duration such as 500ms, 2s, 5m or 1h", ValueParser::duration);
  private static final ValueParser<Boolean> TRUE_OR_FALSE =
      expecting(
          "true or false",
          text ->
              switch (text.toLowerCase(Locale.ROOT)) {
                case "true" -> Optional.of(true);
                case "false" -> Optional.of(false);
                default -> Optional.empty();
              });

  private final String values;
  private final Function<String, T> function;

  private ValueParser(String values, Function<String, T> function) {
    this.values = requireNonNull(values, "values");
    this.function = requireNonNull(function, "function");
  }

  /**
   * Makes a parser from a function.
   *
   * @param <T> the type of the values
   * @param values what the values look like, for people, such as "a whole number of at least 1"
   * @param function gets the text without white space around it; throws {@link
   *     IllegalArgumentException} with a message that begins with "expected" if it is no value
   * @return the parser
   */
  public static <T> ValueParser<T> of(String values, Function<String, T> function) {
    return new ValueParser<>(values, function);
  }

  /** As {@link #of}; where the function has no result, the values' description is the message. */
  private static <T> ValueParser<T> expecting(
      String values, Function<String, Optional<T>> function) {
    return of(
        values,
        text ->
            function
                .apply(text)
                .orElseThrow(() ->
                    new IllegalArgumentException("expected " + values + ", got \"" + text + '"')));
  }

  /**
   * Any text.
   *
   * @return the parser
   */
  public static ValueParser<String> text() {
    return TEXT;
  }

  /**
   * A path of the file system, which need not exist.
   *
   * @return the parser
   */
  public static ValueParser<Path> path() {
    return PATH;
  }

  /**
   * A whole number from 1 to 2³¹ − 1.
   *
   * @return the parser
   */
  public static ValueParser<Integer> positive() {
    return POSITIVE;
  }

  /**
   * A TCP port, 0 to 65535.
   *
   * @return the parser
   */
  public static ValueParser<Integer> port() {
    return PORT;
  }

  /**
   * A number of bytes of at least 1: {@code 65536}, {@code 64k}, {@code 16m}, {@code 1g}, in powers
   * of 1024.
   *
   * @return the parser
   */
  public static ValueParser<Long> size() {
    return SIZE_IN_BYTES;
  }

  /**
   * A duration of 0 or more: {@code 500ms}, {@code 2s}, {@code 5m}, {@code 1h}.
   *
   * @return the parser
   */
  public static ValueParser<Duration> duration() {
    return TIME;
  }

  /**
   * {@code true} or {@code false}, in any case.
   *
   * @return the parser
   */
  public static ValueParser<Boolean> trueOrFalse() {
    return TRUE_OR_FALSE;
  }

  /**
   * One of several words, in any case.
   *
   * @param words the words, in lower case; at least two
   * @return a parser whose results are in lower case
   */
  public static ValueParser<String> oneOf(String... words) {
    List<String> all = List.of(words);
    String values =
        String.join(", ", all.subList(0, all.size() - 1)) + " or " + all.get(all.size() - 1);
    return expecting(
        values, text -> Optional.of(text.toLowerCase(Locale.ROOT)).filter(all::contains));
  }

  /**
   * A list of what this parser reads, separated by commas.
   *
   * @return a parser whose results have at least one element and cannot be changed
   */
  public ValueParser<List<T>> list() {
    return of(
        values + ", several separated by commas",
        text -> {
          List<T> list = new ArrayList<>();
          for (String part : text.split(",", -1)) {
            list.add(parse(part));
          }
          return List.copyOf(list);
        });
  }

  /**
   * A parser of the same texts that turns the values into something else.
   *
   * @param <R> the type of the new values
   * @param further turns a value into the new one
   * @return the parser
   */
  public <R> ValueParser<R> map(Function<? super T, ? extends R> further) {
    return new ValueParser<>(values, text -> further.apply(function.apply(text)));
  }

  /**
   * What the values look like, for people.
   *
   * @return a phrase such as "a whole number of at least 1"
   */
  public String values() {
    return values;
  }

  /**
   * Reads a value.
   *
   * @param text the value as written; white space around it does not count
   * @return the value
   * @throws IllegalArgumentException if the text is no value; the message says what was expected
   *     and what was found
   */
  public T parse(String text) {
    String stripped = text.strip();
    if (stripped.isEmpty()) {
      throw new IllegalArgumentException("expected a value, got none");
    }
    return function.apply(stripped);
  }

  private static Optional<Integer> integer(String text, int from, int to) {
    if (!text.matches("[+-]?\\d{1,10}")) {
      return Optional.empty();
    }
    long value = Long.parseLong(text);
    return value < from || value > to ? Optional.empty() : Optional.of((int) value);
  }

  private static Optional<Long> size(String text) {
    Matcher m = SIZE.matcher(text.toLowerCase(Locale.ROOT));
    if (!m.matches() || Long.parseLong(m.group(1)) == 0) {
      return Optional.empty();
    }
    long n = Long.parseLong(m.group(1));
    return Optional.of(
        switch (m.group(2)) {
          case "k" -> n << 10;
          case "m" -> n << 20;
          case "g" -> n << 30;
          default -> n;
        });
  }

  private static Optional<Duration> duration(String text) {
    Matcher m = DURATION.matcher(text);
    if (!m.matches()) {
      return Optional.empty();
    }
    long n = Long.parseLong(m.group(1));
    return Optional.of(
        switch (m.group(2)) {
          case "ms" -> Duration.ofMillis(n);
          case "s" -> Duration.ofSeconds(n);
          case "m" -> Duration.ofMinutes(n);
          default -> Duration.ofHours(n);
        });
  }
}
