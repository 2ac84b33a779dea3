package io.luciole.lucene;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the word leg understands of a query's text: phrases in quotation marks, beginnings of words
 * with a star behind them, and all else as plain words. Anything is a query: a mark without its
 * partner, a star elsewhere, and the operators of other languages are what the analyser makes of
 * them.
 *
 * @param plain the text without phrases and beginnings
 * @param phrases what stands in quotation marks, in order
 * @param prefixes beginnings of words, without the star, in order
 */
record QueryWords(String plain, List<String> phrases, List<String> prefixes) {
  /**
   * Marks in the styles of English, German and French. An opening mark is not behind a letter or
   * digit, a closing one not before one, so that inches are none. No alternative runs past another
   * opening mark, which bounds the time by the length of the text.
   */
  private static final Pattern PHRASE =
      Pattern.compile(
          "(?<![\\p{L}\\p{N}])(?:\"([^\"]+)\"|“([^“”„]+)”|„([^“”„]+)[“”]|«([^«»]+)»)(?![\\p{L}\\p{N}])");

  /** A word that begins behind a blank or an opening bracket and ends with one star. */
  private static final Pattern PREFIX =
      Pattern.compile("(?<![^\\s(\\[{])([\\p{L}\\p{N}][^\\s*]*)\\*(?![\\p{L}\\p{N}*])");

  QueryWords {
    phrases = List.copyOf(phrases);
    prefixes = List.copyOf(prefixes);
  }

  static QueryWords parse(String text) {
    List<String> phrases = new ArrayList<>();
    List<String> prefixes = new ArrayList<>();
    String rest = take(PHRASE, text, phrases);
    return new QueryWords(take(PREFIX, rest, prefixes), phrases, prefixes);
  }

  /** Moves what a pattern's groups match to a list, and leaves a blank in its place. */
  private static String take(Pattern pattern, String text, List<String> to) {
    Matcher matcher = pattern.matcher(text);
    StringBuilder rest = new StringBuilder();
    while (matcher.find()) {
      for (int group = 1; group <= matcher.groupCount(); group++) {
        if (matcher.group(group) != null) {
          to.add(matcher.group(group));
        }
      }
      matcher.appendReplacement(rest, " ");
    }
    return matcher.appendTail(rest).toString();
  }
}
