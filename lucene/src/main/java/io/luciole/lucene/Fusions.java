package io.luciole.lucene;

import java.util.Locale;

/** The fusions that come with Luciole. */
final class Fusions {
  private Fusions() {}

  static Fusion parse(String name) {
    String form = name.strip().toLowerCase(Locale.ROOT);
    if (form.equals("rrf")) {
      return Fusion.rrf();
    }
    if (form.matches("rrf:\\d{1,6}")) {
      return Fusion.rrf(Integer.parseInt(form.substring(4)));
    }
    throw new IllegalArgumentException(
        "expected a fusion, rrf or rrf:K with a whole number K, got \"" + name + '"');
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
}
