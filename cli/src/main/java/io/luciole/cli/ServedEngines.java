package io.luciole.cli;

import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Role;
import io.luciole.server.ServerConfig;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ParameterException;

/**
 * The engines that {@code luciole serve} opens, by the names that clients call them, the default
 * one first. Used by one thread.
 */
final class ServedEngines implements AutoCloseable {
  private final SequencedMap<String, EmbeddingEngine> byName = new LinkedHashMap<>();

  private final SequencedMap<String, CrossEncoder> rerankers = new LinkedHashMap<>();

  private ServedEngines() {}

  /**
   * Opens the rerankers that flags name, or else {@code luciole.server.rerank-models}, and the
   * engines of the models that {@code --model} names, or else those of {@code
   * luciole.server.models}, or else the one that the index or {@code luciole.model} names. A model
   * that is given no name is served under its own.
   *
   * @param rerankModels what {@code --rerank-model} names
   * @throws ParameterException if the flags alone show that they are wrong
   * @throws CliException if two models have one name
   */
  static ServedEngines open(
      EngineOptions options,
      List<String> rerankModels,
      LucioleConfig config,
      ServerConfig settings) {
    requireNames(options, "--model", options.models());
    requireNames(options, "--rerank-model", rerankModels);
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
      if (rerankModels.isEmpty()) {
        settings
            .models()
            .rerankers()
            .forEach(
                (name, model) -> engines.addReranker(name, options.openReranker(config, model)));
      }
      for (String flag : rerankModels) {
        CrossEncoder reranker = options.openReranker(config, model(flag));
        engines.addReranker(name(flag, reranker.modelName()), reranker);
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
    EmbeddingEngine engine = options.open(options.builder(config, model(flag)));
    add(name(flag, engine.modelName()), engine);
  }

  /** Checks what the flags alone tell: that each names a model, and none a name twice. */
  private static void requireNames(EngineOptions options, String option, List<String> flags) {
    Set<String> names = new HashSet<>();
    for (String flag : flags) {
      int at = flag.indexOf('=');
      if (at == 0 || at == flag.length() - 1) {
        throw options.wrongUsage(
            "Expected %1$s MODEL or NAME=MODEL, found %1$s %2$s".formatted(option, flag));
      }
      if (at > 0 && !names.add(flag.substring(0, at))) {
        throw options.wrongUsage(twice(flag.substring(0, at), option + " NAME=MODEL"));
      }
    }
  }

  private static String model(String flag) {
    return flag.substring(flag.indexOf('=') + 1);
  }

  private static String name(String flag, String own) {
    int at = flag.indexOf('=');
    return at < 0 ? own : flag.substring(0, at);
  }

  private void addReranker(String name, CrossEncoder reranker) {
    if (rerankers.putIfAbsent(name, reranker) != null) {
      reranker.close();
      throw new CliException(
          twice(name, "--rerank-model NAME=MODEL or in luciole.server.rerank-models"));
    }
  }

  private void add(String name, EmbeddingEngine engine) {
    if (byName.putIfAbsent(name, engine) != null) {
      engine.close();
      throw new CliException(twice(name, "--model NAME=MODEL or in luciole.server.models"));
    }
  }

  private static String twice(String name, String where) {
    return "Two models are called \"" + name + "\": give each a name of its own, as " + where;
  }

  /** The engines, the default one first. */
  SequencedMap<String, EmbeddingEngine> byName() {
    return Collections.unmodifiableSequencedMap(byName);
  }

  /** The rerankers, the default one first. */
  SequencedMap<String, CrossEncoder> rerankers() {
    return Collections.unmodifiableSequencedMap(rerankers);
  }

  /** Closes all engines. */
  @Override
  public void close() {
    List.copyOf(rerankers.values()).reversed().forEach(CrossEncoder::close);
    List.copyOf(byName.values()).reversed().forEach(EmbeddingEngine::close);
  }
}
