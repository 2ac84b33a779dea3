package io.luciole.cli;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import io.luciole.internal.Cosine;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Holds a model against itself: a text must have the same vectors alone and among others, on every
 * backend, and nearly the same in every arithmetic. Texts of several languages and lengths, so that
 * batches mix and padding would show.
 */
final class Consistency {
  private static final List<String> SENTENCES =
      List.of(
          "glow",
          "What is BGE M3?",
          "Fireflies glow at dusk to find each other.",
          "萤火虫在黄昏时发光，以便互相寻找。",
          "Les lucioles brillent au crépuscule pour se trouver.",
          "تتوهج اليراعات عند الغسق لتجد بعضها بعضا.",
          "BM25 ranks a set of documents by the query terms that appear in each of them.",
          "Светлячки светятся в сумерках, чтобы найти друг друга.");

  /** The sentences, and a long text of all of them. */
  static final List<String> TEXTS =
      Stream.concat(
              SENTENCES.stream(),
              Stream.of(String.join(" ", SENTENCES), (String.join(" ", SENTENCES) + ' ').repeat(3)))
          .toList();

  private Consistency() {}

  /** The texts' embeddings, all in one batch. */
  static List<Embedding> together(EmbeddingEngine engine) {
    return engine.embedAll(TEXTS, options(engine.outputs()));
  }

  /** The texts' embeddings, each alone. */
  static List<Embedding> alone(EmbeddingEngine engine) {
    EmbedOptions options = options(engine.outputs());
    return TEXTS.stream().map(text -> engine.embed(text, options).join()).toList();
  }

  private static EmbedOptions options(Set<Output> outputs) {
    return EmbedOptions.passage().outputs(EnumSet.copyOf(outputs));
  }

  /**
   * Compares embeddings of the texts.
   *
   * @param outputs what both have
   * @param dense how far below 1 a cosine of dense or token vectors may be
   * @param sparse how far token weights may be apart
   */
  static List<Check> compare(
      String what,
      List<Embedding> found,
      List<Embedding> expected,
      Set<Output> outputs,
      double dense,
      double sparse) {
    List<Check> checks = new ArrayList<>();
    if (outputs.contains(Output.DENSE)) {
      double least =
          pairs(found)
              .mapToDouble(i -> Cosine.of(found.get(i).dense(), expected.get(i).dense()))
              .reduce(1, Math::min);
      checks.add(new Check(what + ": least cosine", least, 1, dense));
    }
    if (outputs.contains(Output.SPARSE)) {
      double largest =
          pairs(found)
              .mapToDouble(i -> apart(found.get(i).sparse(), expected.get(i).sparse()))
              .reduce(0, Math::max);
      checks.add(new Check(what + ": weights apart", largest, 0, sparse));
    }
    if (outputs.contains(Output.COLBERT)) {
      double least =
          pairs(found)
              .mapToDouble(i -> cosine(found.get(i).colbert(), expected.get(i).colbert()))
              .reduce(1, Math::min);
      checks.add(new Check(what + ": least cosine of tokens", least, 1, dense));
    }
    return checks;
  }

  private static IntStream pairs(List<Embedding> embeddings) {
    return IntStream.range(0, embeddings.size());
  }

  // Math.min and Math.max give NaN where one is, and NaN agrees with nothing.
  private static double cosine(MultiVector a, MultiVector b) {
    if (a.rows() != b.rows()) {
      return Double.NaN;
    }
    double least = 1;
    for (int row = 0; row < a.rows(); row++) {
      least = Math.min(least, Cosine.of(a.row(row), b.row(row)));
    }
    return least;
  }

  /** The largest difference of a token's weights; a token without one has 0. */
  private static double apart(SparseVector a, SparseVector b) {
    double largest = 0;
    for (int i = 0; i < a.size(); i++) {
      largest = Math.max(largest, Math.abs(a.weight(i) - b.weightOf(a.id(i))));
    }
    for (int i = 0; i < b.size(); i++) {
      largest = Math.max(largest, Math.abs(b.weight(i) - a.weightOf(b.id(i))));
    }
    return largest;
  }
}
