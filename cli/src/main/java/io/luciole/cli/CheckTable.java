package io.luciole.cli;

import java.io.PrintWriter;
import java.util.List;

/** Prints checks section by section, and counts those that agree. For one thread. */
final class CheckTable {
  private final PrintWriter out;
  private int compared;
  private int agreed;

  CheckTable(PrintWriter out) {
    this.out = out;
  }

  void section(String title) {
    out.println();
    out.println(Check.heading(title));
  }

  void report(List<Check> checks) {
    for (Check check : checks) {
      compared++;
      agreed += check.agrees() ? 1 : 0;
      out.println(check);
    }
    out.flush();
  }

  /** Says what was not compared, in place of figures. */
  void notCompared(String why) {
    out.println("  --    not compared: " + why);
  }

  /** Says something in a paragraph of its own. */
  void say(String text) {
    out.println();
    out.println(text);
  }

  /** Prints the sum. Returns the exit status: 0 if all figures agree. */
  int end() {
    say(agreed + " of " + compared + " figures agree.");
    return agreed == compared ? 0 : 1;
  }
}
