package io.luciole.cli;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The piece of a text that shows most of a query's words, and which of its words those are. Words
 * are taken for the same if they begin alike, so that "glows" is found by "glow".
 */
final class Snippets {
  /** Letters that two words have to share, and letters that may follow. */
  private static final int STEM = 4;

  private static final int ENDING = 4;

  private final Set<String> wanted = new HashSet<>();

  private record Word(int start, int end) {}

  Snippets(String query) {
    for (Word word : words(query)) {
      String text = lower(query, word);
      // Short words of an alphabet are the ones that every text has.
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

  /** The query's word that a word of the text stands for, or null. */
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

  /** A piece of about so many columns, on one line, with dots where something is left out. */
  String of(String text, int columns) {
    String line = HitPrinter.oneLine(text);
    if (Columns.width(line) <= columns) {
      return line;
    }
    List<Word> words = words(line);
    int best = 0;
    int bestCount = -1;
    for (int first = 0; first < words.size(); first++) {
      int count = matches(line, words, first, columns);
      if (count > bestCount) {
        best = first;
        bestCount = count;
      }
    }
    int start = words.isEmpty() || bestCount == 0 ? 0 : lead(words, best);
    int end = start;
    int used = 0;
    while (end < line.length() && used < columns) {
      int codePoint = line.codePointAt(end);
      used += Columns.width(codePoint);
      end += Character.charCount(codePoint);
    }
    if (end < line.length()) {
      int space = line.lastIndexOf(' ', end);
      end = space > start + (end - start) / 2 ? space : end;
    }
    return (start > 0 ? "… " : "")
        + line.substring(start, end).strip()
        + (end < line.length() ? " …" : "");
  }

  /** A few words before the first match, for its sense. */
  private static int lead(List<Word> words, int match) {
    return words.get(Math.max(0, match - 4)).start;
  }

  /** Distinct query words within so many columns from a word on. */
  private int matches(String line, List<Word> words, int first, int columns) {
    Set<String> found = new HashSet<>();
    int limit = words.get(first).start + columns * 3 / 4;
    for (int i = first; i < words.size() && words.get(i).end <= limit; i++) {
      String match = wanted(lower(line, words.get(i)));
      if (match != null) {
        found.add(match);
      }
    }
    return found.size();
  }

  /** The line with its query words between two marks. */
  String emphasize(String line, String on, String off) {
    StringBuilder marked = new StringBuilder();
    int at = 0;
    for (Word word : words(line)) {
      if (wanted(lower(line, word)) != null) {
        marked
            .append(line, at, word.start)
            .append(on)
            .append(line, word.start, word.end)
            .append(off);
        at = word.end;
      }
    }
    return marked.append(line, at, line.length()).toString();
  }
}
