package io.luciole.lucene;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The fusions that come with Luciole. */
final class Fusions {
  static final List<String> NAMES =
      List.of("auto", "soft", "rrf", "rrf:K", "sum", "minmax", "zscore", "dbsf");
  static final Fusion AUTO = new SoftMaximum(true);
  static final Fusion SOFT = new SoftMaximum(false);

  private Fusions() {}

  static Fusion parse(String name) {
    String form = name.strip().toLowerCase(Locale.ROOT);
    if (form.matches("rrf:\\d{1,6}")) {
      return new ReciprocalRank(Integer.parseInt(form.substring(4)));
    }
    return switch (form) {
      case "auto" -> AUTO;
      case "soft" -> SOFT;
      case "rrf" -> Fusion.rrf();
      case "sum" -> SUM;
      case "minmax" -> MIN_MAX;
      case "zscore" -> Z_SCORE;
      case "dbsf" -> DISTRIBUTION;
      default ->
          throw new IllegalArgumentException(
              "expected a fusion of " + NAMES + " with a whole number K, got \"" + name + '"');
    };
  }

  record ReciprocalRank(int k) implements Fusion {
    ReciprocalRank {
      if (k < 0) {
        throw new IllegalArgumentException("k must be 0 or more, got " + k);
      }
    }

    @Override
    public String name() {
      return "rrf:" + k;
    }

    @Override
    public String description() {
      return "weight / (" + k + " + rank)";
    }

    @Override
    public double[] contributions(float[] scores) {
      double[] contributions = new double[scores.length];
      for (int i = 0; i < scores.length; i++) {
        contributions[i] = 1.0 / (k + i + 1);
      }
      return contributions;
    }

    @Override
    public boolean averaged() {
      return false;
    }
  }

  /** What is taken from each score of a list, and what the rest is divided by. */
  private record Terms(double shift, double divisor) {}

  /**
   * A fusion whose contribution is a linear function of the score.
   *
   * @param name the fusion's name
   * @param measure what a contribution is, in words
   * @param terms the function for a list
   * @param absentAsLast whether a document not found contributes as the list's last does, not 0
   */
  private record Linear(
      String name, String measure, Function<float[], Terms> terms, boolean absentAsLast)
      implements Fusion {
    @Override
    public String description() {
      return "weight × " + measure + ", divided by the sum of the weights";
    }

    @Override
    public double[] contributions(float[] scores) {
      Terms of = terms.apply(scores);
      double[] contributions = new double[scores.length];
      for (int i = 0; i < scores.length; i++) {
        contributions[i] = (scores[i] - of.shift()) / of.divisor();
      }
      return contributions;
    }

    @Override
    public double absent(float[] scores) {
      return absentAsLast ? contributions(scores)[scores.length - 1] : 0;
    }

    @Override
    public boolean averaged() {
      return true;
    }
  }

  static final Fusion SUM = new Linear("sum", "score", scores -> new Terms(0, 1), false);
  static final Fusion MIN_MAX =
      new Linear(
          "minmax",
          "its score, scaled so that the list's first is 1 and its last 0",
          Fusions::range,
          false);
  static final Fusion Z_SCORE =
      new Linear(
          "zscore",
          "its score above the list's mean, in standard deviations",
          Fusions::deviations,
          true);
  static final Fusion DISTRIBUTION =
      new Linear(
          "dbsf",
          "its score, scaled so that three deviations about the list's mean are 0 and 1",
          Fusions::distribution,
          false);

  /** Scores that are all alike become 1. */
  private static Terms range(float[] scores) {
    double low = scores[scores.length - 1];
    double range = scores[0] - low;
    return range > 0 ? new Terms(low, range) : new Terms(low - 1, 1);
  }

  /** Scores that are all alike become 0. */
  private static Terms deviations(float[] scores) {
    double mean = mean(scores);
    double deviation = deviation(scores, mean);
    return deviation > 0 ? new Terms(mean, deviation) : new Terms(scores[0], 1);
  }

  /** Scores that are all alike become one half. */
  private static Terms distribution(float[] scores) {
    double mean = mean(scores);
    double deviation = deviation(scores, mean);
    return deviation > 0
        ? new Terms(mean - 3 * deviation, 6 * deviation)
        : new Terms(scores[0] - 0.5, 1);
  }

  private static double mean(float[] scores) {
    double sum = 0;
    for (float score : scores) {
      sum += score;
    }
    return sum / scores.length;
  }

  private static double deviation(float[] scores, double mean) {
    double sum = 0;
    for (float score : scores) {
      sum += (score - mean) * (score - mean);
    }
    return Math.sqrt(sum / scores.length);
  }
}
