package io.luciole.lucene.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Whether two runs over the same queries differ by more than chance, by the paired randomization
 * test (Smucker, Allan and Carterette, CIKM 2007). If the runs were equally good, swapping their
 * figures for any query would change nothing; so the difference of the means is compared with those
 * after random swaps.
 *
 * @param queries the number of queries compared: those that the first run was asked and that have a
 *     relevant document
 * @param first the mean of the first run
 * @param second the mean of the second run
 * @param pValue the probability of a difference at least as large by chance, two-sided
 */
public record Significance(int queries, double first, double second, double pValue) {
  /** Rounds that give a p-value of 0.05 to about 0.001. */
  public static final int DEFAULT_ROUNDS = 100_000;

  /**
   * Compares two runs over the judged queries that the first one was asked, as its figures in an
   * {@link EvaluationTable} are.
   *
   * @param first a run
   * @param second another run; a query that it does not have counts 0
   * @param qrels the judgements
   * @param metric what is compared
   * @param rounds the number of random swaps, at least 1
   * @param seed the seed of the swaps
   * @return the comparison
   * @throws IllegalArgumentException if {@code rounds} is below 1
   */
  public static Significance between(
      RankedRun first, RankedRun second, Qrels qrels, Metric metric, int rounds, long seed) {
    if (rounds < 1) {
      throw new IllegalArgumentException("rounds must be at least 1, got " + rounds);
    }
    List<String> judged = RankedRun.judged(List.of(first), qrels);
    double[] differences = new double[judged.size()];
    double sumOfFirst = 0;
    double sumOfSecond = 0;
    for (int i = 0; i < differences.length; i++) {
      double a = of(first, judged.get(i), qrels, metric);
      double b = of(second, judged.get(i), qrels, metric);
      differences[i] = a - b;
      sumOfFirst += a;
      sumOfSecond += b;
    }
    int n = Math.max(1, differences.length);
    return new Significance(
        differences.length, sumOfFirst / n, sumOfSecond / n, pValue(differences, rounds, seed));
  }

  private static double of(RankedRun run, String query, Qrels qrels, Metric metric) {
    return metric.of(
        new ArrayList<>(run.rankings().getOrDefault(query, List.of())), qrels.grades(query));
  }

  /**
   * Computes the p-value of paired differences.
   *
   * @param differences the difference for each query
   * @param rounds the number of random swaps, at least 1
   * @param seed the seed of the swaps
   * @return the share of the rounds whose sum is at least as far from 0, two-sided; the observed
   *     arrangement counts as one of them, so it is never 0
   */
  public static double pValue(double[] differences, int rounds, long seed) {
    double observed = 0;
    for (double d : differences) {
      observed += d;
    }
    observed = Math.abs(observed) - 1e-12;
    SplittableRandom random = new SplittableRandom(seed);
    int asLarge = 1;
    for (int r = 0; r < rounds; r++) {
      double sum = 0;
      for (int from = 0; from < differences.length; from += Long.SIZE) {
        long signs = random.nextLong();
        int to = Math.min(differences.length, from + Long.SIZE);
        for (int i = from; i < to; i++, signs >>>= 1) {
          sum += (signs & 1) == 0 ? differences[i] : -differences[i];
        }
      }
      if (Math.abs(sum) >= observed) {
        asLarge++;
      }
    }
    return (double) asLarge / (rounds + 1);
  }
}
