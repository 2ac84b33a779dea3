package io.luciole.examples;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.util.Map;

/**
 * Lets whoever runs the program choose the model, the backend and the outputs:
 *
 * <pre>
 * luciole.properties in the working directory    luciole.backend=onnx
 * the environment, stronger                      LUCIOLE_BACKEND=onnx
 * system properties, strongest                   -Dluciole.backend=onnx
 * </pre>
 */
public final class PlugInConfiguration {
  private PlugInConfiguration() {}

  /**
   * Prints the settings with their origins, and the engine that they lead to.
   *
   * @param args nothing, or a model and the outputs to compute, which are dense if not given
   */
  public static void main(String[] args) {
    // With arguments, settings come from them alone: a program may have a configuration of its own.
    LucioleConfig config =
        args.length == 0
            ? LucioleConfig.load()
            : LucioleConfig.of(
                Map.of(
                    "luciole.model",
                    args[0],
                    "luciole.outputs",
                    args.length > 1 ? args[1] : "dense"));
    config
        .settings()
        .forEach((name, setting) ->
            System.out.println(name + " = " + setting.value() + ", from " + setting.origin()));

    // The code names no model and no backend. An invalid setting is refused here, with its origin.
    // What nobody set is chosen by Luciole, and the log says why.
    try (EmbeddingEngine engine = EmbeddingEngine.builder(config).open()) {
      Embedding embedding = engine.embed("Fireflies glow.", EmbedOptions.passage()).join();
      System.out.println(
          engine.modelName()
              + " on "
              + engine.backend().backend()
              + "/"
              + engine.backend().device()
              + " gives "
              + embedding.outputs()
              + " for "
              + embedding.tokenCount()
              + " tokens");
    }
  }
}
