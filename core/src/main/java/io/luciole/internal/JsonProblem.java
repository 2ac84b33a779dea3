package io.luciole.internal;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is wrong with JSON, for people: without the parser's own settings, classes and sources. */
public final class JsonProblem {
  private static final String SOURCE = "\\[Source: [^\\]]*\\]";
  private static final Pattern DUPLICATE =
      Pattern.compile("Duplicate field '(.*)'", Pattern.DOTALL);

  /** Parts of the parser's messages that speak to programmers. */
  private static final Pattern INSIDES =
      Pattern.compile(
          String.join(
              "|",
              " \\((?:for|start marker)[^\\[]*" + SOURCE + "\\)",
              " \\(not recognized as one since Feature[^)]*\\)",
              ":? \\(?enable `[^`]*` to allow\\)?",
              ", from `[^`]*`",
              " ?" + SOURCE));

  private JsonProblem() {}

  /**
   * Tells what is wrong.
   *
   * @param e a parser's
   * @return a phrase that ends without a full stop
   */
  public static String of(JsonProcessingException e) {
    if (e instanceof JsonEOFException) {
      return "it ends before its last bracket or quotation mark is closed";
    }
    String message = String.valueOf(e.getOriginalMessage());
    Matcher duplicate = DUPLICATE.matcher(message);
    if (duplicate.matches()) {
      return "the field \"" + duplicate.group(1) + "\" stands twice in one object";
    }
    return INSIDES.matcher(message).replaceAll("");
  }

  /**
   * Tells where it is wrong in a text of one line.
   *
   * @param e a parser's
   * @return {@code " (column 7)"}, or nothing if it is not known
   */
  public static String column(JsonProcessingException e) {
    JsonLocation at = e.getLocation();
    return at == null ? "" : " (column " + at.getColumnNr() + ")";
  }

  /**
   * Tells where it is wrong in a text of several lines.
   *
   * @param e a parser's
   * @return {@code " (line 2, column 7)"}, or nothing if it is not known
   */
  public static String place(JsonProcessingException e) {
    JsonLocation at = e.getLocation();
    return at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
  }
}
