package io.luciole.examples;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.util.Map;

/**
 * Leaves model, backend and outputs to whoever runs the program:
 *
 * <pre>
 * luciole.properties in the working directory    luciole.backend=onnx
 * the environment, stronger                      LUCIOLE_BACKEND=onnx
 * system properties, strongest                   -Dluciole.backend=onnx
 * </pre>
 */
public final class PlugInConfiguration {
  private PlugInConfiguration() {}

  /** Prints the settings that were made and what became of them. */
  public static void main(String[] args) {
    // With arguments, settings come from them alone: a program may have a configuration of its own.
    LucioleConfig config =
        args.length == 0
            ? LucioleConfig.load()
            : LucioleConfig.of(Map.of("luciole.model", args[0], "luciole.outputs", args[1]));
    config
        .settings()
        .forEach((name, setting) ->
            System.out.println(name + " = " + setting.value() + ", from " + setting.origin()));

    // The code names no model and no backend. A setting that cannot be is refused here, with its
    // origin; what nobody set is chosen, and logged with the reason.
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
