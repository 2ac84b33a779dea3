package io.luciole.cli;

import io.luciole.spi.Precision;

/**
 * How far an arithmetic may be off. Vectors of different devices and backends in fp32 differ by
 * roundings; those of 16 bits, and of exports of unknown arithmetic, by what docs/quality.md
 * reports.
 *
 * @param cosine how far below 1 a cosine with the vector in fp32 may be
 * @param weight how far a token's weight may be from that in fp32
 * @param batched whether the batch has an influence on the arithmetic, within the same bounds
 */
record Slack(double cosine, double weight, boolean batched) {
  /** Roundings of fp32: sums in another order. */
  static final Slack FP32 = new Slack(1e-5, 1e-3, false);

  /**
   * The slack of an arithmetic.
   *
   * @param precision as a backend reports it
   */
  static Slack of(String precision) {
    if (precision.equals(Precision.FP32.id())) {
      return FP32;
    }
    if (precision.equals(Precision.FP16.id())) {
      return new Slack(1e-4, 2e-2, true);
    }
    if (precision.equals(Precision.BF16.id())) {
      return new Slack(5e-3, 5e-2, true);
    }
    boolean batched = precision.equals(Precision.FP8.id());
    return new Slack(5e-2, 0.15, batched);
  }

  /** The slack between a text alone and the same text in a batch. */
  Slack ofBatch() {
    return batched ? this : FP32;
  }

  /** How much a reranker's score of a pair may be off. */
  double ofPairs() {
    return equals(FP32) ? 1e-3 : 2.5 * weight;
  }

  /** How much a score may be off, of vectors or of weights. */
  double score() {
    return equals(FP32) ? 0 : Math.min(2e-2, Math.max(10 * cosine, weight / 4));
  }
}
