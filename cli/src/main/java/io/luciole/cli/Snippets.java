package io.luciole.cli;

import io.luciole.lucene.Passage;
import io.luciole.lucene.SnippetFinder;

/** Shows the piece of a text that fits a query on a terminal. */
final class Snippets {
  private final SnippetFinder finder;

  Snippets(String query) {
    this.finder = new SnippetFinder(query);
  }

  /** A piece of about so many columns, on one line, with dots where something is left out. */
  String of(String text, int columns) {
    String line = HitPrinter.oneLine(text);
    Passage piece = finder.snippet(line, columns, Columns::width);
    if (piece.start() == 0 && piece.end() == line.length()) {
      return line;
    }
    return (piece.start() > 0 ? "… " : "")
        + piece.text().strip()
        + (piece.end() < line.length() ? " …" : "");
  }

  /** The line with its query words between two marks. */
  String emphasize(String line, String on, String off) {
    StringBuilder marked = new StringBuilder();
    int at = 0;
    for (Passage word : finder.matches(line)) {
      marked.append(line, at, word.start()).append(on).append(word.text()).append(off);
      at = word.end();
    }
    return marked.append(line, at, line.length()).toString();
  }
}
