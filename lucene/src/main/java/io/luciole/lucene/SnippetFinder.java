package io.luciole.lucene;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Finds the piece of a text that shows most of a query's words, and where words of the query stand
 * in a text. Needs neither an index nor a model: two words match if they begin with the same
 * letters, so that "glow" finds "glows"; see {@link Highlighter} for what really matched.
 *
 * <p>An instance serves one query. It is immutable, and safe for use by several threads.
 */
public final class SnippetFinder {
  /** Letters that two words must share at their start. */
  private static final int STEM = 4;

  /** Letters that may follow what they share. */
  private static final int ENDING = 4;

  /** Words shown before the first match, for context. */
  private static final int LEAD = 4;

  private final Set<String> wanted = new HashSet<>();

  private record Word(int start, int end) {}

  /**
   * Prepares for a query.
   *
   * @param query the query's text
   */
  public SnippetFinder(String query) {
    for (Word word : words(query)) {
      String text = lower(query, word);
      // Short words of an alphabet stand in every text.
      if (text.length() >= STEM || text.codePointAt(0) >= 0x2E80 || isNumber(text)) {
        wanted.add(text);
      }
    }
  }

  private static boolean isNumber(String word) {
    return Character.isDigit(word.codePointAt(0));
  }

  private static String lower(String text, Word word) {
    return text.substring(word.start, word.end).toLowerCase(Locale.ROOT);
  }

  /** The query's word that a word of a text matches, or null. */
  private @Nullable String wanted(String word) {
    if (wanted.contains(word)) {
      return word;
    }
    for (String candidate : wanted) {
      int shared = 0;
      int shorter = Math.min(word.length(), candidate.length());
      while (shared < shorter && word.charAt(shared) == candidate.charAt(shared)) {
        shared++;
      }
      int ending = Math.max(word.length(), candidate.length()) - shared;
      if (shared >= STEM && ending <= ENDING && (shared > STEM || shared == shorter)) {
        return candidate;
      }
    }
    return null;
  }

  private static List<Word> words(String text) {
    BreakIterator breaks = BreakIterator.getWordInstance(Locale.ROOT);
    breaks.setText(text);
    List<Word> words = new ArrayList<>();
    int start = breaks.first();
    for (int end = breaks.next(); end != BreakIterator.DONE; start = end, end = breaks.next()) {
      if (Character.isLetterOrDigit(text.codePointAt(start))) {
        words.add(new Word(start, end));
      }
    }
    return words;
  }

  /**
   * The piece of a text with the most of the query's words: the first of equals, the beginning
   * where none is found, the whole text where it is short enough.
   *
   * @param text the text
   * @param width how wide the piece may be; it ends at a space where one is near
   * @param widthOf the width of a code point: 1 for a limit in code points, or the columns that it
   *     takes on a terminal
   * @return the piece and where it stands
   */
  public Passage snippet(String text, int width, IntUnaryOperator widthOf) {
    if (text.codePoints().map(widthOf).sum() <= width) {
      return new Passage(0, text.length(), text);
    }
    List<Word> words = words(text);
    int best = 0;
    int bestCount = -1;
    for (int first = 0; first < words.size(); first++) {
      int count = matches(text, words, first, width);
      if (count > bestCount) {
        best = first;
        bestCount = count;
      }
    }
    int start = words.isEmpty() || bestCount == 0 ? 0 : words.get(Math.max(0, best - LEAD)).start;
    int end = start;
    int used = 0;
    while (end < text.length() && used < width) {
      int codePoint = text.codePointAt(end);
      used += widthOf.applyAsInt(codePoint);
      end += Character.charCount(codePoint);
    }
    if (end < text.length()) {
      int space = text.lastIndexOf(' ', end);
      end = space > start + (end - start) / 2 ? space : end;
    }
    return new Passage(start, end, text.substring(start, end));
  }

  /** The number of distinct query words within three quarters of the width from a word on. */
  private int matches(String text, List<Word> words, int first, int width) {
    Set<String> found = new HashSet<>();
    int limit = words.get(first).start + width * 3 / 4;
    for (int i = first; i < words.size() && words.get(i).end <= limit; i++) {
      String match = wanted(lower(text, words.get(i)));
      if (match != null) {
        found.add(match);
      }
    }
    return found.size();
  }

  /**
   * Where words of the query stand in a text.
   *
   * @param text the text
   * @return the words, in the order of the text
   */
  public List<Passage> matches(String text) {
    List<Passage> matches = new ArrayList<>();
    for (Word word : words(text)) {
      if (wanted(lower(text, word)) != null) {
        matches.add(new Passage(word.start, word.end, text.substring(word.start, word.end)));
      }
    }
    return matches;
  }
}
