package io.luciole.cli;

import io.luciole.lucene.Hit;
import io.luciole.lucene.Leg;
import io.luciole.lucene.LegScore;
import io.luciole.lucene.Passage;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Set;
import java.util.StringJoiner;

/** Prints hits for people: title, score, each leg's rank and score, and the best snippet. */
final class HitPrinter {
  private static final int WIDTH = 96;
  private static final int MAX_TOKENS = 8;
  private static final int SNIPPET_COLUMNS = 180;
  private static final String INDENT = "    ";

  private final PrintWriter out;
  private final boolean decorate;
  private final Snippets snippets;

  /**
   * Creates a printer.
   *
   * @param decorate whether to use a terminal's bold type
   * @param query the query's text, whose words are emphasised
   */
  HitPrinter(PrintWriter out, boolean decorate, String query) {
    this.out = out;
    this.decorate = decorate;
    this.snippets = new Snippets(query);
  }

  /**
   * Prints a hit.
   *
   * @param hit the hit
   * @param asked the legs that took part in the search
   */
  void print(Hit hit, Set<Leg> asked) {
    String title = hit.title().isBlank() ? hit.id() : hit.title();
    out.println(String.format(Locale.ROOT, "%2d. %s", hit.rank(), bold(oneLine(title))));
    out.println(
        INDENT
            + String.format(
                Locale.ROOT, "score %.4f   %s   id %s", hit.score(), legs(hit, asked), hit.id()));
    String text = hit.passage().map(Passage::text).orElse(hit.text());
    for (String line : Columns.wrap(snippets.of(text, SNIPPET_COLUMNS), WIDTH - 4)) {
      out.println(INDENT + (decorate ? snippets.emphasize(line, "\u001b[1m", "\u001b[0m") : line));
    }
    if (!hit.tokens().isEmpty()) {
      out.println(INDENT + "tokens " + tokens(hit));
    }
  }

  /** Prints a line about the hit before. */
  void note(String line) {
    out.println(INDENT + "| " + line);
  }

  /** Each leg's rank and score: {@code dense #1 (0.812) bm25 -}. */
  static String legs(Hit hit, Set<Leg> asked) {
    StringJoiner legs = new StringJoiner("   ");
    for (Leg leg : asked) {
      LegScore score = hit.legs().get(leg);
      legs.add(
          score == null
              ? leg.id() + " -"
              : String.format(Locale.ROOT, "%s #%d (%.3f)", leg.id(), score.rank(), score.score()));
    }
    return legs.toString();
  }

  /** The tokens that add most to the score: {@code fire 0.21 × 0.18, fly 0.2 × 0.1}. */
  private static String tokens(Hit hit) {
    StringJoiner tokens = new StringJoiner(", ");
    hit.tokens().stream()
        .limit(MAX_TOKENS)
        .forEach(token ->
            tokens.add(
                String.format(
                    Locale.ROOT,
                    "%s %.3f × %.3f",
                    oneLine(token.token()),
                    token.queryWeight(),
                    token.documentWeight())));
    return tokens.toString();
  }

  private String bold(String text) {
    return decorate ? "\u001b[1m" + text + "\u001b[0m" : text;
  }

  /** The text on one line, without control characters, which a terminal would act on. */
  static String oneLine(String text) {
    return text.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
  }
}
