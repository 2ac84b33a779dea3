package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.Locale;
import java.util.Optional;

/**
 * A setting: its name, its values, its default and what it is for. A setting is declared once, as a
 * constant of this type in the module that reads it, and everything else comes from the constant:
 * the environment variable's name, the check of values, the page {@code docs/settings.md} and what
 * {@code luciole doctor} shows.
 *
 * <p>{@link EngineKeys} has the engine's settings. A backend declares its own in {@link
 * io.luciole.spi.BackendProvider#options}, another module in an {@link io.luciole.spi.KeyProvider}.
 * {@link LucioleConfig} holds values. Immutable.
 *
 * @param <T> the type of the values; {@link Optional} where the default is not a value
 */
public final class Key<T> {
  /** Where the value of a setting may come from. */
  public enum Scope {
    /** A properties file, the environment, system properties, and code. */
    EVERYWHERE,
    /** The environment and system properties: it is read before there is a configuration. */
    PROCESS,
    /** The environment alone: scripts or native code read it. */
    ENVIRONMENT
  }

  private static final String PREFIX = "luciole.";

  private final String name;
  private final ValueParser<T> parser;
  private final T defaultValue;
  private final String defaultText;
  private final String doc;
  private final Scope scope;

  private Key(
      String name,
      ValueParser<T> parser,
      T defaultValue,
      String defaultText,
      String doc,
      Scope scope) {
    if (!name.matches("luciole(\\.[a-z][a-z0-9]*(-[a-z0-9]+)*)+")) {
      throw new IllegalArgumentException(
          "expected a setting's name such as luciole.token-budget, got \"" + name + '"');
    }
    this.name = name;
    this.parser = requireNonNull(parser, "parser");
    this.defaultValue = defaultValue;
    this.defaultText = requireNonNull(defaultText, "defaultText");
    this.doc = requireNonNull(doc, "doc");
    this.scope = scope;
  }

  /**
   * Declares a setting with a default.
   *
   * @param <T> the type of the values
   * @param name the full name, such as {@code luciole.token-budget}: lower case, parts separated by
   *     dots, words by hyphens
   * @param parser reads the values
   * @param defaultText the default, as it would be written
   * @param doc what the setting is for, in one line
   * @return the key
   * @throws IllegalArgumentException if the name has another form or the default cannot be read
   */
  public static <T> Key<T> of(String name, ValueParser<T> parser, String defaultText, String doc) {
    return new Key<>(name, parser, parser.parse(defaultText), defaultText, doc, Scope.EVERYWHERE);
  }

  /**
   * Declares a setting whose default is not a value.
   *
   * @param <T> the type of the values
   * @param name as in {@link #of}
   * @param parser reads the values
   * @param otherwise what holds if nothing is set, for people, such as "the model's limit"
   * @param doc what the setting is for, in one line
   * @return the key
   * @throws IllegalArgumentException if the name has another form
   */
  public static <T> Key<Optional<T>> optional(
      String name, ValueParser<T> parser, String otherwise, String doc) {
    return optional(name, parser, otherwise, doc, Scope.EVERYWHERE);
  }

  /** As {@link #optional(String, ValueParser, String, String)}, read from some sources only. */
  static <T> Key<Optional<T>> optional(
      String name, ValueParser<T> parser, String otherwise, String doc, Scope scope) {
    return new Key<>(name, parser.map(Optional::of), Optional.empty(), otherwise, doc, scope);
  }

  /** Whether a name is one of Luciole's, known or not. */
  static boolean isOurs(String name) {
    return name.startsWith(PREFIX);
  }

  /**
   * The name in a properties file and as a system property.
   *
   * @return the name, such as {@code luciole.token-budget}
   */
  public String name() {
    return name;
  }

  /**
   * The name of the environment variable.
   *
   * @return the name, such as {@code LUCIOLE_TOKEN_BUDGET}
   */
  public String variable() {
    return variable(name);
  }

  static String variable(String name) {
    return name.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
  }

  /**
   * What the values look like, for people.
   *
   * @return a phrase such as "a whole number of at least 1"
   */
  public String values() {
    return parser.values();
  }

  /**
   * The value that holds if nothing is set.
   *
   * @return the default, an empty {@link Optional} if it is not a value
   */
  public T defaultValue() {
    return defaultValue;
  }

  /**
   * The default, for people.
   *
   * @return the default as it would be written, or what holds if nothing is set
   */
  public String defaultText() {
    return defaultText;
  }

  /**
   * What the setting is for.
   *
   * @return one line
   */
  public String doc() {
    return doc;
  }

  /**
   * Where a value may come from.
   *
   * @return the sources
   */
  public Scope scope() {
    return scope;
  }

  /**
   * Reads a value.
   *
   * @param text the value as written; white space around it does not count
   * @return the value
   * @throws IllegalArgumentException if the text is no value of this setting; the message says what
   *     was expected and what was found
   */
  public T parse(String text) {
    return parser.parse(text);
  }

  /** The name. */
  @Override
  public String toString() {
    return name;
  }
}
