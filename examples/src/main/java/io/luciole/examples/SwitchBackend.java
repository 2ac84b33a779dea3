package io.luciole.examples;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Runs the same texts on ONNX Runtime and on PyTorch and prints how far the results agree. Only one
 * setting differs:
 *
 * <pre>
 * java … io.luciole.examples.SwitchBackend MODEL [FIRST SECOND]
 *   MODEL           a checkpoint with BGE-M3's heads, by folder or hub name, such as BAAI/bge-m3
 *   FIRST, SECOND   names of backends; onnx and djl by default
 * </pre>
 */
public final class SwitchBackend {
  private static final List<String> TEXTS =
      List.of(
          "Fireflies glow at dusk to find a mate.",
          "Which insects give light?",
          "Les lucioles brillent au crépuscule.",
          "螢火蟲在黃昏發光。",
          "The lamp on the desk needs a new bulb, and so does the one beneath the stairs.",
          "a");

  private SwitchBackend() {}

  /**
   * Prints the version of each backend and how far their results agree.
   *
   * @param args the model, and optionally the names of two backends
   */
  public static void main(String[] args) {
    if (args.length == 0) {
      throw new IllegalArgumentException("expected a model with BGE-M3's heads, by folder or name");
    }
    List<Embedding> first = embed(args[0], args.length > 2 ? args[1] : "onnx");
    List<Embedding> second = embed(args[0], args.length > 2 ? args[2] : "djl");

    double cosine = 1;
    double difference = 0;
    boolean sameTokens = true;
    for (int i = 0; i < first.size(); i++) {
      SparseVector a = first.get(i).sparse();
      SparseVector b = second.get(i).sparse();
      // Dense vectors have length 1: their product is the cosine.
      cosine = Math.min(cosine, Scores.dense(first.get(i), second.get(i)));
      sameTokens &= a.size() == b.size();
      for (int t = 0; t < a.size(); t++) {
        sameTokens &= b.weightOf(a.id(t)) > 0;
        difference = Math.max(difference, Math.abs(a.weight(t) - b.weightOf(a.id(t))));
      }
    }
    System.out.printf(
        Locale.ROOT,
        "smallest cosine %.7f, %s tokens with a weight, largest difference of a weight %.6f%n",
        cosine,
        sameTokens ? "the same" : "not the same",
        difference);
  }

  private static List<Embedding> embed(String model, String backend) {
    // An application writes the second of these settings into luciole.properties, or leaves it to
    // LUCIOLE_BACKEND or -Dluciole.backend: see PlugInConfiguration.
    LucioleConfig config =
        LucioleConfig.of(Map.of("luciole.model", model, "luciole.backend", backend));
    try (EmbeddingEngine engine = EmbeddingEngine.builder(config).open()) {
      System.out.println(backend + ": " + engine.backend().version());
      return engine.embedAll(TEXTS, EmbedOptions.passage().outputs(Output.DENSE, Output.SPARSE));
    }
  }
}
