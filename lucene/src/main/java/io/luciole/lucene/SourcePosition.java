package io.luciole.lucene;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How far a run has read its source, kept in the commit: {@code <read> <open|done> <identity>}. All
 * of the first {@code read} documents are in that commit, or were reported as failed.
 *
 * @param identity which state of which source; empty if it has none and nothing can be resumed
 * @param read documents read, those that failed included
 * @param done whether that was all
 */
record SourcePosition(String identity, long read, boolean done) {
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,18}) (open|done) (.*)", Pattern.DOTALL);

  static final SourcePosition NONE = new SourcePosition("", 0, true);

  String format() {
    return identity.isEmpty() ? "" : read + (done ? " done " : " open ") + identity;
  }

  static SourcePosition parse(String text) {
    Matcher m = FORM.matcher(text);
    return m.matches()
        ? new SourcePosition(m.group(3), Long.parseLong(m.group(1)), m.group(2).equals("done"))
        : NONE;
  }

  /** How many documents of a source a new run may skip. */
  long resumeAt(String sourceIdentity) {
    return !done && !identity.isEmpty() && identity.equals(sourceIdentity) ? read : 0;
  }
}
