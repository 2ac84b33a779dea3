package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.luciole.Role;
import io.luciole.internal.ModelFileNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The files that sentence-transformers puts beside a checkpoint, in the forms of its releases 2 to
 * 6. What they say and Luciole does not do is refused by name: to pass over a module or a flag
 * would give other vectors than sentence-transformers gives.
 */
final class SentenceTransformers {
  /** Modules that are applied, and {@code Dropout}, which does nothing outside training. */
  private static final List<String> MODULES =
      List.of("Transformer", "Pooling", "Normalize", "Dropout");

  /** The keys of the limits' file that change no vector of a text. */
  private static final Set<String> HARMLESS =
      Set.of(
          "transformer_task",
          "modality_config",
          "module_output_name",
          "processing_kwargs",
          "unpad_inputs",
          "model_args",
          "model_kwargs",
          "tokenizer_args",
          "processor_kwargs",
          "config_args",
          "config_kwargs");

  private static final String LIMIT = "max_seq_length";
  private static final String LOWER_CASE = "do_lower_case";

  private final Path folder;
  private final JsonNode modules;
  private final JsonNode limits;
  private final Map<Role, String> prompts;

  SentenceTransformers(Path folder) {
    this.folder = folder;
    this.modules = ModelJson.readArrayIfPresent(folder.resolve(ModelFileNames.MODULES));
    this.limits = readLimits();
    this.prompts = readPrompts();
  }

  /** Whether {@code modules.json} is there, which then says all that is done to token states. */
  boolean areThere() {
    return !modules.isMissingNode();
  }

  /**
   * Checks that every module is one that Luciole applies, in the order in which it does.
   *
   * @throws ModelException if one is not
   */
  void requireKnownModules() {
    List<String> found = new ArrayList<>();
    for (JsonNode module : modules) {
      String type = type(module);
      if (!MODULES.contains(type)) {
        throw new ModelException(
            "Expected the modules "
                + MODULES
                + ", found "
                + type
                + " ("
                + module.path("path").asText()
                + ") in "
                + folder.resolve(ModelFileNames.MODULES)
                + ". Luciole does not apply it, and vectors without it are others than"
                + " sentence-transformers gives.");
      }
      if (!type.equals("Dropout")) {
        found.add(type);
      }
    }
    if (found.size() > 3 || !MODULES.subList(0, found.size()).equals(found)) {
      throw new ModelException(
          "Expected the modules Transformer, Pooling and, if there is one, Normalize, in this order,"
              + " found "
              + found
              + " in "
              + folder.resolve(ModelFileNames.MODULES));
    }
  }

  boolean normalize() {
    for (JsonNode module : modules) {
      if (type(module).equals("Normalize")) {
        return true;
      }
    }
    return false;
  }

  /** The name of a module's class: {@code sentence_transformers.models.Pooling} is a Pooling. */
  private static String type(JsonNode module) {
    String name = module.path("type").asText();
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** The pooling, or null if the modules have none. */
  @Nullable Pooling pooling() {
    for (JsonNode module : modules) {
      if (type(module).equals("Pooling")) {
        return pooling(folder.resolve(module.path("path").asText()).resolve("config.json"));
      }
    }
    return null;
  }

  /** One flag a mode, or since release 5 a name or a list of names. */
  private Pooling pooling(Path file) {
    JsonNode node = ModelJson.read(file);
    List<String> modes = new ArrayList<>();
    JsonNode named = node.path("pooling_mode");
    if (named.isArray()) {
      named.forEach(mode -> modes.add(mode.asText()));
    } else if (!named.isMissingNode()) {
      modes.add(named.asText());
    }
    node.properties()
        .forEach(entry -> {
          String key = entry.getKey();
          if (key.startsWith("pooling_mode_") && entry.getValue().asBoolean()) {
            modes.add(key.substring("pooling_mode_".length()).replace("_token", ""));
          }
        });
    Pooling pooling =
        modes.size() != 1
            ? null
            : switch (modes.get(0)) {
              case "cls" -> Pooling.CLS;
              case "mean", "means" -> Pooling.MEAN;
              case "lasttoken", "last" -> Pooling.LAST;
              default -> null;
            };
    if (pooling == null) {
      throw new ModelException(
          "Expected one pooling, by cls, mean or last token, found " + node + " in " + file);
    }
    boolean leavesPromptOut = !node.path("include_prompt").asBoolean(true);
    if (leavesPromptOut && pooling == Pooling.MEAN && !prompts.isEmpty()) {
      throw new ModelException(
          "Expected a mean over all tokens, found \"include_prompt\": false, which leaves out those"
              + " of the prompt, in "
              + file
              + ". Luciole does not do that. To have the mean over all tokens nevertheless, write"
              + " {\"pooling\": \"mean\"} into luciole.json.");
    }
    return pooling;
  }

  /** The file of a text's limit, by the first of its names that is there, or a missing node. */
  private JsonNode readLimits() {
    for (String name : ModelFileNames.SENTENCE_CONFIGS) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        JsonNode found = ModelJson.read(file);
        found
            .properties()
            .forEach(entry -> {
              String key = entry.getKey();
              boolean known = HARMLESS.contains(key) || key.equals(LIMIT) || key.equals(LOWER_CASE);
              if (!known && !entry.getValue().isNull()) {
                throw new ModelException(
                    "Expected \""
                        + LIMIT
                        + "\" and \""
                        + LOWER_CASE
                        + "\", found \""
                        + key
                        + "\": "
                        + entry.getValue()
                        + " in "
                        + file
                        + ". Luciole does not know what it means for the vectors.");
              }
            });
        return found;
      }
    }
    return MissingNode.getInstance();
  }

  /** The limit on a text's tokens, or a missing node or null if there is none. */
  JsonNode maxTokens() {
    return limits.path(LIMIT);
  }

  /** Whether a text is put into lower case before it is tokenised. */
  boolean lowerCase() {
    return limits.path(LOWER_CASE).asBoolean();
  }

  /** What is put before a text, by role. */
  Map<Role, String> prompts() {
    return prompts;
  }

  /** As {@code encode_query} and {@code encode_document} choose them. */
  private Map<Role, String> readPrompts() {
    Path file = folder.resolve(ModelFileNames.PROMPTS);
    JsonNode config = ModelJson.readIfPresent(file);
    JsonNode declared = config.path("prompts");
    JsonNode usual = config.path("default_prompt_name");
    Map<Role, String> found = new EnumMap<>(Role.class);
    if (usual.isTextual()) {
      if (!declared.path(usual.asText()).isTextual()) {
        throw new ModelException(
            "Expected a prompt \""
                + usual.asText()
                + "\", which \"default_prompt_name\" names, found none in "
                + file);
      }
      put(found, Role.QUERY, declared.path(usual.asText()));
      put(found, Role.PASSAGE, declared.path(usual.asText()));
    }
    put(found, Role.QUERY, declared.path("query"));
    for (String name : List.of("corpus", "passage", "document")) {
      put(found, Role.PASSAGE, declared.path(name));
    }
    found.values().removeIf(String::isEmpty);
    return found;
  }

  private static void put(Map<Role, String> prompts, Role role, JsonNode text) {
    if (text.isTextual()) {
      prompts.put(role, text.asText());
    }
  }
}
