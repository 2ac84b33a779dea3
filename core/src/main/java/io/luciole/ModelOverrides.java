package io.luciole;

import io.luciole.model.ModelFiles;
import io.luciole.model.TokenPooling;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an engine does otherwise than its model's files say: pooling, length, dimensions and
 * prompts. {@link EngineBuilder} sets the fields.
 */
final class ModelOverrides {
  private static final Logger log = LoggerFactory.getLogger(ModelOverrides.class);

  Optional<TokenPooling> pooling;
  Optional<Boolean> normalize;
  Optional<Integer> dimensions;

  /** A prompt for a role wins over the name of one. */
  final Map<Role, String> prompts = new EnumMap<>(Role.class);

  final Map<Role, String> promptNames = new EnumMap<>(Role.class);

  ModelOverrides(LucioleConfig config) {
    pooling = config.get(EngineKeys.POOLING);
    normalize = config.get(EngineKeys.NORMALIZE);
    dimensions = config.get(EngineKeys.DIMENSIONS);
    config.get(EngineKeys.QUERY_PROMPT).ifPresent(text -> prompts.put(Role.QUERY, text));
    config.get(EngineKeys.PASSAGE_PROMPT).ifPresent(text -> prompts.put(Role.PASSAGE, text));
    config.get(EngineKeys.QUERY_PROMPT_NAME).ifPresent(name -> promptNames.put(Role.QUERY, name));
    config
        .get(EngineKeys.PASSAGE_PROMPT_NAME)
        .ifPresent(name -> promptNames.put(Role.PASSAGE, name));
  }

  /**
   * The model with all this in place of what its files say; the log tells what differs.
   *
   * @throws io.luciole.model.ModelException if the model has no prompt of a name
   */
  ModelFiles applyTo(ModelFiles files) {
    ModelFiles changed =
        files.withDense(
            pooling,
            normalize,
            dimensions.isPresent() ? OptionalInt.of(dimensions.get()) : OptionalInt.empty());
    for (Role role : Role.values()) {
      String prompt = prompts.get(role);
      String name = promptNames.get(role);
      if (prompt == null && name != null) {
        prompt = files.description().namedPrompt(name);
      }
      if (prompt != null) {
        changed = changed.withPrompt(role, prompt);
      }
    }
    if (!changed.description().equals(files.description())) {
      log.info(
          "The model {} is run otherwise than its files say: dense vectors by {}, prompts {}; its"
              + " files say {}, prompts {}.",
          files.name(),
          changed.description().dense().id(),
          changed.description().prompts(),
          files.description().dense().id(),
          files.description().prompts());
    }
    return changed;
  }
}
