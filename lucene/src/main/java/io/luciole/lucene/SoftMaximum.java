package io.luciole.lucene;

/**
 * The soft maximum of the legs' standard scores: {@code Σ weight · exp(0.45 z)}. A leg that has a
 * document far above the others of its list speaks with {@code exp(0.45 · 6) = 15}, a leg whose
 * list is flat with {@code exp(0.45 · 4) = 6} for its best, so that for each query the surer leg
 * decides.
 *
 * <p>Mean and deviation are those of the first {@value #OBSERVED} of the list, so contributions do
 * not depend on how much longer a list is. A shorter list of a leg in which all other documents
 * score 0 is made as long with zeros: they are true scores, and without them a leg's only hit would
 * have the standard score 0.
 *
 * @param adaptive whether the legs' weights follow the query, as {@link Fusion#auto} says
 */
record SoftMaximum(boolean adaptive) implements Fusion {
  /** From 0.4 to 0.5 about the same is found: docs/quality.md. */
  private static final double SHARPNESS = 0.45;

  /** How many of a list are observed. */
  static final int OBSERVED = 100;

  /** What standard scores above this exceed it by counts a tenth: a lone hit has 9.9. */
  private static final double FAR = 6;

  /** The dense leg's factor for a language that the model knows. */
  private static final double KNOWN = 2;

  /** The dense leg's factor for a language that the model does not know. */
  private static final double FOREIGN = 0.25;

  @Override
  public String name() {
    return adaptive ? "auto" : "soft";
  }

  @Override
  public String description() {
    return "weight × e^("
        + SHARPNESS
        + " × z), z being how far its score stands above the mean of the leg's first "
        + OBSERVED
        + ", in standard deviations";
  }

  @Override
  public double[] contributions(float[] scores) {
    return contributions(scores, false);
  }

  @Override
  public double[] contributions(float[] scores, boolean restIsZero) {
    int found = Math.min(scores.length, OBSERVED);
    int observed = restIsZero ? OBSERVED : found;
    double sum = 0;
    for (int i = 0; i < found; i++) {
      sum += scores[i];
    }
    double mean = sum / observed;
    double squares = (observed - found) * mean * mean;
    for (int i = 0; i < found; i++) {
      squares += (scores[i] - mean) * (scores[i] - mean);
    }
    double deviation = Math.sqrt(squares / observed);
    double[] contributions = new double[scores.length];
    for (int i = 0; i < scores.length; i++) {
      double standard = deviation > 0 ? (scores[i] - mean) / deviation : 0;
      contributions[i] = Math.exp(SHARPNESS * bounded(standard));
    }
    return contributions;
  }

  private static double bounded(double standard) {
    return standard > FAR ? FAR + (standard - FAR) / 10 : standard;
  }

  @Override
  public boolean averaged() {
    return false;
  }

  @Override
  public double factor(Leg leg, QueryTraits query) {
    if (!adaptive) {
      return 1;
    }
    if (leg == Leg.DENSE) {
      return query.familiarity().isEmpty()
          ? 1
          : FOREIGN * Math.pow(KNOWN / FOREIGN, query.familiarity().getAsDouble());
    }
    // Both find documents by what they share with the query literally, and so they err together.
    boolean both = query.legs().contains(Leg.SPARSE) && query.legs().contains(Leg.BM25);
    return both && query.legs().contains(Leg.DENSE) ? 0.5 : 1;
  }
}
