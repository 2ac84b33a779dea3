package io.luciole.cli;

import io.luciole.LucioleException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import picocli.CommandLine.TypeConversionException;

/**
 * Searches line by line at a terminal: a line is a query, or begins with a colon and says how the
 * next ones are answered. A query that fails is reported, and the next one asked for.
 */
final class InteractiveSearch {
  private static final String PROMPT = "search> ";
  private static final String HELP =
      """
      Words               search for them
      :filter FILTER      only documents with this metadata from now on, lang=en or JSON; more add up
      :filter             no filter any more
      :top N              show N hits
      :explain            tell how hits came to their places, or no longer
      :help               this
      :quit               end; so does the end of the input
      """;

  private final Console console;
  private final Searching searching;
  private final Consumer<List<String>> check;
  private final List<String> filters = new ArrayList<>();
  private int top;
  private boolean explain;

  /** Searches and prints what was found. */
  interface Searching {
    /**
     * Searches once.
     *
     * @param filters filters beside those of the command line
     */
    void search(String words, int top, boolean explain, List<String> filters) throws IOException;
  }

  /**
   * Prepares a session.
   *
   * @param check refuses filters that cannot be understood
   * @param top how many hits are shown at first
   * @param explain whether hits are explained at first
   */
  InteractiveSearch(
      Console console,
      Searching searching,
      Consumer<List<String>> check,
      int top,
      boolean explain) {
    this.console = console;
    this.searching = searching;
    this.check = check;
    this.top = top;
    this.explain = explain;
  }

  /** Asks until the input ends or the user does. */
  void run() throws IOException {
    console.err().println("Type words to search for; :help tells what else, :quit ends.");
    for (String line = console.ask(PROMPT); line != null; line = console.ask(PROMPT)) {
      String typed = line.strip();
      if (typed.equals(":quit") || typed.equals(":q")) {
        return;
      }
      try {
        answer(typed);
      } catch (ClosedPipeException e) {
        throw e;
      } catch (LucioleException e) {
        console.err().println("luciole: " + Failures.message(e));
      }
    }
    console.err().println();
  }

  private void answer(String typed) throws IOException {
    if (!typed.startsWith(":")) {
      if (!typed.isEmpty()) {
        searching.search(typed, top, explain, List.copyOf(filters));
      }
      return;
    }
    String[] parts = typed.split("\\s+", 2);
    String rest = parts.length == 2 ? parts[1] : "";
    switch (parts[0]) {
      case ":filter" -> setFilter(rest);
      case ":top" -> setTop(rest);
      case ":explain" -> {
        explain = !explain;
        console.err().println(explain ? "Hits are explained." : "Hits are not explained.");
      }
      case ":help" -> console.err().print(HELP);
      default ->
          throw new CliException("expected :filter, :top, :explain, :help or :quit, got " + typed);
    }
  }

  private void setFilter(String filter) {
    if (filter.isEmpty()) {
      filters.clear();
      console.err().println("No filter.");
    } else {
      check.accept(List.of(filter));
      filters.add(filter);
      console.err().println("Filters: " + String.join(" and ", filters));
    }
  }

  private void setTop(String count) {
    try {
      top = new Choice.Positive().convert(count);
    } catch (TypeConversionException e) {
      throw new CliException(":top: " + e.getMessage(), e);
    }
  }
}
