package io.luciole.internal;

import static java.util.Comparator.comparingInt;

import java.util.Arrays;
import java.util.Collection;
import java.util.Optional;

/** Finds what may have been meant by a name that is not known. */
public final class Spelling {
  private Spelling() {}

  /**
   * The known name that is closest to another.
   *
   * @param name the name
   * @param known the known names
   * @return the first of the closest ones; empty if there is none
   */
  public static Optional<String> closest(String name, Collection<String> known) {
    return known.stream().min(comparingInt(each -> distance(each, name)));
  }

  /**
   * Levenshtein's distance: the least number of insertions, deletions and substitutions of a {@code
   * char} that turn one string into another.
   *
   * @param a a string
   * @param b another
   * @return the distance, 0 or more
   */
  public static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    Arrays.setAll(row, i -> i);
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitution = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substitution, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
