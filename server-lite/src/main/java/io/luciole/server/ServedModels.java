package io.luciole.server;

import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The models that the server serves, by name and alias, without regard to case. The first is the
 * default: of requests that name none, and of APIs that have no field for a model. Immutable.
 */
final class ServedModels {
  private final List<ServedModel> models;
  private final Map<String, ServedModel> byName = new HashMap<>();
  private final boolean anyName;

  /**
   * Creates the models.
   *
   * @param engines the engines by name, at least one
   * @throws ConfigException if two names are the same, or an alias stands for no model
   */
  ServedModels(SequencedMap<String, EmbeddingEngine> engines, ServerConfig config) {
    if (engines.isEmpty()) {
      throw new ConfigException("Expected at least one model to serve, found none.");
    }
    List<ServedModel> all = new ArrayList<>();
    engines.forEach((name, engine) ->
        all.add(
            new ServedModel(
                name, engine, new EngineReadiness(engine, config.limits().readyWithin()))));
    models = List.copyOf(all);
    models.forEach(model -> add(model.name(), model));
    config.models().aliases().forEach((alias, name) -> add(alias, target(alias, name)));
    anyName = config.models().anyName();
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
              + names()
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

  /** All models, the default one first. */
  List<ServedModel> all() {
    return models;
  }

  /**
   * The model of a name or alias; the default one if the name is null, and for any name that is not
   * known if the configuration says so.
   *
   * @throws Problem if there is no model of this name
   */
  ServedModel named(@Nullable String name) {
    if (name == null) {
      return standard();
    }
    ServedModel model = byName.get(key(name));
    if (model != null) {
      return model;
    }
    if (anyName) {
      return standard();
    }
    throw new Problem(
        404,
        "model_not_found",
        "There is no model \""
            + name
            + "\"; this server has "
            + names()
            + ". Name one of them, or give one this name too with "
            + ServerKeys.ALIASES
            + "; "
            + ServerKeys.ANY_MODEL
            + "=true accepts any name.",
        "model",
        0);
  }

  private String names() {
    return models.stream().map(model -> '"' + model.name() + '"').collect(Collectors.joining(", "));
  }
}
