package io.luciole.cli.embed;

import java.util.Locale;

/** How texts stand in an input. */
public enum InputFormat {
  /** One JSON object a line, as BEIR's files have them. */
  JSONL,
  /** One text a line; the number of the line is its id. */
  LINES,
  /** A table with commas between the columns, whose first row names them (RFC 4180). */
  CSV,
  /** The same with tabs. */
  TSV;

  /** {@return the name in flags} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The format of a file by the end of its name, {@code .gz} apart; JSON lines unless it says
   * otherwise.
   */
  static InputFormat ofName(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    String plain = lower.endsWith(".gz") ? lower.substring(0, lower.length() - 3) : lower;
    return plain.endsWith(".csv") ? CSV : plain.endsWith(".tsv") ? TSV : JSONL;
  }
}
