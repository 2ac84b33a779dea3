package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.Role;
import io.luciole.internal.ModelFileNames;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The files that sentence-transformers puts beside a checkpoint, in the forms of its releases 2 to
 * 6. What they say and Luciole does not do is refused by name: to pass over a module or a flag
 * would give other vectors than sentence-transformers gives.
 */
final class SentenceTransformers {
  /** The keys of the prompts' file; versions, the similarity and the kind change no vector. */
  private static final Set<String> PROMPTS_KEYS =
      Set.of(
          "prompts",
          "default_prompt_name",
          "truncate_dim",
          "__version__",
          "similarity_fn_name",
          "model_type");

  /** What maps a reranker's scores to 0..1. Luciole gives scores and probabilities both. */
  private static final String ACTIVATION = "activation_fn";

  private final Path folder;
  private final JsonNode modules;
  private final SentenceLimits limits;
  private final SettingsFile settings;
  private final Map<String, String> namedPrompts;

  SentenceTransformers(Path folder) {
    this.folder = folder;
    this.modules = ModelJson.readArrayIfPresent(folder.resolve(ModelFileNames.MODULES));
    this.limits = SentenceLimits.read(transformer());
    this.settings =
        SettingsFile.readIfPresent(folder.resolve(ModelFileNames.PROMPTS)).requireKeys(keys());
    this.namedPrompts = readPrompts();
  }

  private Set<String> keys() {
    Set<String> keys = new HashSet<>(PROMPTS_KEYS);
    if (limits.scoresPairs()) {
      keys.add(ACTIVATION);
    }
    return keys;
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

  /** What is said of texts before the transformer. */
  SentenceLimits limits() {
    return limits;
  }

  /** How many components of a vector are kept, the first ones; empty for all. */
  OptionalInt dimensions() {
    return settings.count("truncate_dim");
  }

  /** The prompts by their names in the file. */
  Map<String, String> namedPrompts() {
    return namedPrompts;
  }

  private Map<String, String> readPrompts() {
    JsonNode written = settings.json().path("prompts");
    if (settings.has("prompts") && !written.isObject()) {
      throw settings.wrong("prompts", "an object of names and strings");
    }
    SettingsFile prompts = new SettingsFile(written, settings.file());
    Map<String, String> found = new HashMap<>();
    written
        .fieldNames()
        .forEachRemaining(name -> prompts.text(name).ifPresent(text -> found.put(name, text)));
    return Map.copyOf(found);
  }

  /**
   * What is put before a text, by role, as {@code encode_query} and {@code encode_document} choose
   * it.
   */
  Map<Role, String> prompts() {
    Map<String, String> named = namedPrompts;
    Optional<String> usual = settings.text("default_prompt_name");
    if (limits.scoresPairs()) {
      if (usual.isPresent()) {
        throw settings.wrong("default_prompt_name", "none for a reranker, whose pairs have none,");
      }
      return Map.of();
    }
    Map<Role, String> found = new EnumMap<>(Role.class);
    if (usual.isPresent()) {
      String prompt = named.get(usual.get());
      if (prompt == null) {
        throw new ModelException(
            "Expected a prompt \""
                + usual.get()
                + "\", which \"default_prompt_name\" names, found none in "
                + settings.file());
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
