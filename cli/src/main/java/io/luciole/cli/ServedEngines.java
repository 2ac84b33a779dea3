package io.luciole.cli;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Role;
import io.luciole.server.ServerConfig;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * The engines that {@code luciole serve} opens, by the names that clients call them, the default
 * one first. Used by one thread.
 */
final class ServedEngines implements AutoCloseable {
  private final SequencedMap<String, EmbeddingEngine> byName = new LinkedHashMap<>();

  private ServedEngines() {}

  /**
   * Opens the engines of the models that {@code --model} names, or else those of {@code
   * luciole.server.models}, or else the one that the index or {@code luciole.model} names. A model
   * that is given no name is served under its own.
   *
   * @throws CliException if two models have one name
   */
  static ServedEngines open(EngineOptions options, LucioleConfig config, ServerConfig settings) {
    ServedEngines engines = new ServedEngines();
    try {
      if (!options.models().isEmpty()) {
        options.models().forEach(model -> engines.open(options, config, model));
      } else if (!settings.models().sources().isEmpty()) {
        for (Map.Entry<String, String> model : settings.models().sources().entrySet()) {
          engines.add(model.getKey(), options.open(options.builder(config, model.getValue())));
        }
      } else {
        EmbeddingEngine engine = openOne(options, config, settings.indexes().index().orElse(null));
        engines.add(engine.modelName(), engine);
      }
      return engines;
    } catch (Throwable t) {
      engines.close();
      throw t;
    }
  }

  private static EmbeddingEngine openOne(
      EngineOptions options, LucioleConfig config, @Nullable Path index) {
    return index == null
        ? options.open(options.builder(config))
        : options.openForIndex(index, config, EnumSet.allOf(Role.class));
  }

  /** Opens what {@code --model} names: a model, or a name, {@code =} and a model. */
  private void open(EngineOptions options, LucioleConfig config, String flag) {
    int at = flag.indexOf('=');
    if (at == 0 || at == flag.length() - 1) {
      throw new CliException("Expected --model MODEL or NAME=MODEL, found --model " + flag);
    }
    EmbeddingEngine engine = options.open(options.builder(config, flag.substring(at + 1)));
    add(at < 0 ? engine.modelName() : flag.substring(0, at), engine);
  }

  private void add(String name, EmbeddingEngine engine) {
    if (byName.putIfAbsent(name, engine) != null) {
      engine.close();
      throw new CliException(
          "Two models are called \""
              + name
              + "\": give each a name of its own, as --model NAME=MODEL or in"
              + " luciole.server.models");
    }
  }

  /** The engines, the default one first. */
  SequencedMap<String, EmbeddingEngine> byName() {
    return Collections.unmodifiableSequencedMap(byName);
  }

  /** Closes all engines. */
  @Override
  public void close() {
    List.copyOf(byName.values()).reversed().forEach(EmbeddingEngine::close);
  }
}
