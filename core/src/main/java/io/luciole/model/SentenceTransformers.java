package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.luciole.Role;
import io.luciole.internal.ModelFileNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
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
  private static final String LIMIT = "max_seq_length";
  private static final String LOWER_CASE = "do_lower_case";

  /** The keys of the limits' file; all but the first two change no vector of a text. */
  private static final Set<String> LIMITS_KEYS =
      Set.of(
          LIMIT,
          LOWER_CASE,
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

  /** The keys of the prompts' file; versions, the similarity and the kind change no vector. */
  private static final Set<String> PROMPTS_KEYS =
      Set.of(
          "prompts",
          "default_prompt_name",
          "truncate_dim",
          "__version__",
          "similarity_fn_name",
          "model_type");

  private final Path folder;
  private final JsonNode modules;
  private final JsonNode limits;
  private final JsonNode settings;

  SentenceTransformers(Path folder) {
    this.folder = folder;
    this.modules = ModelJson.readArrayIfPresent(folder.resolve(ModelFileNames.MODULES));
    this.limits = readLimits();
    Path file = folder.resolve(ModelFileNames.PROMPTS);
    this.settings = ModelJson.readIfPresent(file);
    SentencePipeline.requireKeys(settings, PROMPTS_KEYS, file);
  }

  /** Whether {@code modules.json} is there, which then says all that is done to token states. */
  boolean areThere() {
    return !modules.isMissingNode();
  }

  /**
   * What is done to token states; nothing if there is no {@code modules.json}.
   *
   * @param chosen the pooling to take in place of the modules' own; null for that
   * @throws ModelException if a module is not applied, or not as it says
   */
  SentencePipeline pipeline(@Nullable TokenPooling chosen) {
    return SentencePipeline.read(folder, modules, chosen);
  }

  /** Whether a module scales vectors to length 1, wherever it stands. */
  boolean normalizes() {
    return SentencePipeline.normalizes(modules);
  }

  /** The folder of the checkpoint and its tokenizer. */
  Path transformer() {
    return SentencePipeline.transformer(folder, modules);
  }

  /** The file of a text's limit, by the first of its names that is there, or a missing node. */
  private JsonNode readLimits() {
    for (String name : ModelFileNames.SENTENCE_CONFIGS) {
      Path file = transformer().resolve(name);
      if (Files.isRegularFile(file)) {
        JsonNode found = ModelJson.read(file);
        SentencePipeline.requireKeys(found, LIMITS_KEYS, file);
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

  /** How many components of a vector are kept, the first ones, or a missing node or null. */
  JsonNode dimensions() {
    return settings.path("truncate_dim");
  }

  /** The prompts by their names in the file. */
  Map<String, String> namedPrompts() {
    Map<String, String> found = new HashMap<>();
    settings
        .path("prompts")
        .properties()
        .forEach(entry -> {
          if (entry.getValue().isTextual()) {
            found.put(entry.getKey(), entry.getValue().asText());
          }
        });
    return found;
  }

  /**
   * What is put before a text, by role, as {@code encode_query} and {@code encode_document} choose
   * it.
   */
  Map<Role, String> prompts() {
    Map<String, String> named = namedPrompts();
    JsonNode usual = settings.path("default_prompt_name");
    Map<Role, String> found = new EnumMap<>(Role.class);
    if (usual.isTextual()) {
      String prompt = named.get(usual.asText());
      if (prompt == null) {
        throw new ModelException(
            "Expected a prompt \""
                + usual.asText()
                + "\", which \"default_prompt_name\" names, found none in "
                + folder.resolve(ModelFileNames.PROMPTS));
      }
      found.put(Role.QUERY, prompt);
      found.put(Role.PASSAGE, prompt);
    }
    put(found, Role.QUERY, named.get("query"));
    for (String name : List.of("corpus", "passage", "document")) {
      put(found, Role.PASSAGE, named.get(name));
    }
    found.values().removeIf(String::isEmpty);
    return found;
  }

  private static void put(Map<Role, String> prompts, Role role, @Nullable String text) {
    if (text != null) {
      prompts.put(role, text);
    }
  }
}
