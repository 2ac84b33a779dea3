package io.luciole.onnx;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.util.Map;

/** Embeds a text; also a program that does. */
final class OneText {
  private OneText() {}

  static float[] embed(String model) {
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of("luciole.backend", "onnx")))
            .model(model)
            .open()) {
      return engine.embed("Fireflies glow.").join().dense();
    }
  }

  /** Embeds with the model of the first argument, or else the starter model. */
  public static void main(String[] args) {
    System.out.println("dense " + embed(args.length > 0 ? args[0] : "starter").length);
  }
}
