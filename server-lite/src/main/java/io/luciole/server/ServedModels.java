package io.luciole.server;

import io.luciole.ConfigException;
import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The models and rerankers that the server serves, by name and alias, without regard to case. The
 * first model is the default: of requests that name none, and of APIs that have no field for a
 * model. Immutable.
 */
final class ServedModels {
  private final List<ServedModel> models;
  private final List<ServedReranker> rerankers;
  private final Map<String, ServedModel> byName = new HashMap<>();
  private final boolean anyName;

  /**
   * Creates the models.
   *
   * @param engines the engines by name, at least one
   * @param rerankers the rerankers by name
   * @throws ConfigException if two names are the same, or an alias stands for no model
   */
  ServedModels(
      SequencedMap<String, EmbeddingEngine> engines,
      SequencedMap<String, CrossEncoder> rerankers,
      ServerConfig config) {
    if (engines.isEmpty()) {
      throw new ConfigException("Expected at least one model to serve, found none.");
    }
    Duration readyWithin = config.limits().readyWithin();
    List<ServedModel> all = new ArrayList<>();
    engines.forEach((name, engine) -> all.add(model(name, engine, readyWithin)));
    models = List.copyOf(all);
    List<ServedReranker> pairs = new ArrayList<>();
    rerankers.forEach((name, reranker) ->
        pairs.add(new ServedReranker(model(name, reranker.engine(), readyWithin), reranker)));
    this.rerankers = List.copyOf(pairs);
    running().forEach(model -> add(model.name(), model));
    config.models().aliases().forEach((alias, name) -> add(alias, target(alias, name)));
    anyName = config.models().anyName();
  }

  private static ServedModel model(String name, EmbeddingEngine engine, Duration readyWithin) {
    return new ServedModel(name, engine, new EngineReadiness(engine, readyWithin));
  }

  private ServedModel target(String alias, String name) {
    ServedModel model = byName.get(key(name));
    if (model == null) {
      throw new ConfigException(
          ServerKeys.ALIASES
              + ": the alias \""
              + alias
              + "\" stands for \""
              + name
              + "\", which is not served; served are "
              + names(running().stream())
              + '.');
    }
    return model;
  }

  private void add(String name, ServedModel model) {
    if (byName.putIfAbsent(key(name), model) != null) {
      throw new ConfigException(
          "Two models, or a model and an alias, are called \""
              + name
              + "\"; give each a name of its own in "
              + ServerKeys.MODELS
              + '.');
    }
  }

  private static String key(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  /** The model of requests that name none. */
  ServedModel standard() {
    return models.get(0);
  }

  /** All models that embed, the default one first. */
  List<ServedModel> all() {
    return models;
  }

  /** All models that run: those that embed, and behind them the rerankers. */
  List<ServedModel> running() {
    return Stream.concat(models.stream(), rerankers.stream().map(ServedReranker::model)).toList();
  }

  /**
   * The reranker of a name or alias; the first one, if there is one, for no name, and for any name
   * that is not known if the configuration says so.
   *
   * @return the reranker, or null if there is none, or the name is that of a model that embeds
   * @throws Problem if there is no model of this name
   */
  @Nullable ServedReranker reranker(@Nullable String name) {
    ServedModel asked = name == null ? null : byName.get(key(name));
    if (name != null && asked == null && !anyName) {
      throw unknown(name);
    }
    for (ServedReranker reranker : rerankers) {
      if (asked == null || reranker.model().equals(asked)) {
        return reranker;
      }
    }
    return null;
  }

  /**
   * The reranker of a name or alias, as {@link #reranker} has it.
   *
   * @param param the field that has the name
   * @throws Problem if there is none of this name, or it is that of a model that embeds
   */
  ServedReranker rerankerOf(String name, String param) {
    boolean known = anyName || byName.containsKey(key(name));
    ServedReranker reranker = known ? reranker(name) : null;
    if (reranker != null) {
      return reranker;
    }
    String message =
        '"'
            + name
            + "\" is no reranker; this server has "
            + (rerankers.isEmpty() ? "none" : names(rerankers.stream().map(ServedReranker::model)))
            + ". luciole serve --rerank-model serves one.";
    throw known
        ? Problem.invalid(param, message)
        : new Problem(404, "model_not_found", message, param, 0);
  }

  /**
   * The model of a name or alias; the default one if the name is null, and for any name that is not
   * known if the configuration says so.
   *
   * @throws Problem if there is no model of this name, or it is a reranker
   */
  ServedModel named(@Nullable String name) {
    if (name == null) {
      return standard();
    }
    ServedModel model = any(name);
    if (!models.contains(model)) {
      throw Problem.invalid(
          "model",
          '"'
              + name
              + "\" is a reranker, which scores texts against a query and embeds none; models that"
              + " embed are "
              + names(models.stream())
              + '.');
    }
    return model;
  }

  /**
   * The model or reranker of a name or alias, as {@link #named} has it for models.
   *
   * @throws Problem if there is none of this name
   */
  ServedModel any(String name) {
    ServedModel model = byName.get(key(name));
    if (model != null) {
      return model;
    }
    if (anyName) {
      return standard();
    }
    throw unknown(name);
  }

  private Problem unknown(String name) {
    return new Problem(
        404,
        "model_not_found",
        "There is no model \""
            + name
            + "\"; this server has "
            + names(running().stream())
            + ". Name one of them, or give one this name too with "
            + ServerKeys.ALIASES
            + "; "
            + ServerKeys.ANY_MODEL
            + "=true accepts any name.",
        "model",
        0);
  }

  private static String names(Stream<ServedModel> models) {
    return models.map(model -> '"' + model.name() + '"').collect(Collectors.joining(", "));
  }
}
