package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.Role;
import io.luciole.internal.ModelFileNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads a model's folder in the layouts people have: a Hugging Face checkpoint, a
 * sentence-transformers folder, an ONNX export, a TorchScript file, DJL's model zoo. What the files
 * leave open can be written into {@code luciole.json} beside them:
 *
 * <pre>
 * {"pooling": "cls" | "mean" | "last", "normalize": true, "maxTokens": 512,
 *  "queryPrompt": "query: ", "passagePrompt": "passage: ", "outlierChannels": [63, 99],
 *  "tokensPerLetter": {"known": 0.28, "foreign": 0.45}}
 * </pre>
 *
 * <p>{@code tokensPerLetter} is a {@link Familiarity}.
 */
final class ModelFolder {
  private static final Set<String> OWN_KEYS =
      Set.of(
          "pooling",
          "normalize",
          "maxTokens",
          "queryPrompt",
          "passagePrompt",
          "outlierChannels",
          "tokensPerLetter");

  /** Rows of a table are no limit of the model beyond this; tokenizer files write 1e30 for none. */
  private static final int NO_LIMIT = 1 << 20;

  private final Path folder;
  private final JsonNode config;
  private final JsonNode own;
  private final ServingProperties serving;
  private final boolean hasM3Heads;

  private ModelFolder(Path folder, boolean hasM3Heads) {
    this.folder = folder;
    this.config = ModelJson.readIfPresent(folder.resolve(ModelFileNames.CONFIG));
    this.own = ModelJson.readIfPresent(folder.resolve(ModelFileNames.LUCIOLE));
    this.serving = ServingProperties.of(folder);
    this.hasM3Heads = hasM3Heads;
  }

  /**
   * Reads a folder, or the folder of an ONNX or TorchScript file.
   *
   * @param formats further formats of weights, of the backends there are
   * @throws ModelException if something is missing, unreadable or contradictory
   */
  static ModelFiles read(Path path, String name, List<WeightFormat> formats) {
    if (!Files.exists(path)) {
      throw new ModelException("There is no such model: " + path);
    }
    boolean isOnnx = path.toString().endsWith(".onnx") && Files.isRegularFile(path);
    boolean isScript = path.toString().endsWith(".pt") && Files.isRegularFile(path);
    if (Files.isRegularFile(path) && !isOnnx && !isScript) {
      throw new ModelException(
          "Expected a model's folder, an .onnx file or a TorchScript .pt file, found the file "
              + path);
    }
    Path onnx = isOnnx ? path : null;
    Path script = isScript ? path : null;
    Path folder = isOnnx || isScript ? path.toAbsolutePath().resolveSibling("") : path;
    if (isOnnx && !Files.exists(folder.resolve(ModelFileNames.TOKENIZER))) {
      // The hub's layout: onnx/model.onnx beneath the folder of the tokenizer.
      Path above = folder.getParent();
      if (above != null && Files.exists(above.resolve(ModelFileNames.TOKENIZER))) {
        folder = above;
      }
    }
    Path tokenizer = folder.resolve(ModelFileNames.TOKENIZER);
    if (!Files.isRegularFile(tokenizer)) {
      throw new ModelException(
          "Expected tokenizer.json in the model's folder "
              + folder
              + ", found none. It is the tokenizer's file in Hugging Face's format; copy it from"
              + " the model's page.");
    }
    // A file that is named is meant, whatever lies beside it.
    Path weights = isOnnx || isScript ? null : weights(folder);
    if (onnx == null && !isScript) {
      onnx = findOnnx(folder);
    }
    if (script == null && weights == null && !isOnnx) {
      script = ScriptFiles.find(folder);
    }
    List<Path> ownWeights = isOnnx || isScript ? List.of() : inFormats(folder, formats);
    if (weights == null && onnx == null && script == null && ownWeights.isEmpty()) {
      throw new ModelException(noWeights(folder, formats));
    }
    Path sparseHead = head(folder, ModelFileNames.SPARSE_HEAD);
    Path colbertHead = head(folder, ModelFileNames.COLBERT_HEAD);
    Path config = first(folder, ModelFileNames.CONFIG);
    ModelDescription description =
        new ModelFolder(folder, sparseHead != null || colbertHead != null).describe();
    return new ModelFiles(
        name,
        folder,
        tokenizer,
        config,
        weights,
        onnx,
        script,
        sparseHead,
        colbertHead,
        ownWeights,
        description);
  }

  private static List<Path> inFormats(Path folder, List<WeightFormat> formats) {
    return formats.stream().flatMap(format -> format.in(folder).stream()).distinct().toList();
  }

  private static String noWeights(Path folder, List<WeightFormat> formats) {
    List<String> expected = new ArrayList<>();
    expected.add("model.safetensors");
    expected.add("pytorch_model.bin");
    expected.add("an .onnx file");
    expected.add("a TorchScript .pt file");
    formats.forEach(format -> expected.add(format.toString()));
    int last = expected.size() - 1;
    return "Expected "
        + String.join(", ", expected.subList(0, last))
        + " or "
        + expected.get(last)
        + " in the model's folder "
        + folder
        + ", found none.";
  }

  /** BGE-M3 keeps an export with its own tokenizer in {@code onnx/}, and the heads above that. */
  private static @Nullable Path head(Path folder, String name) {
    Path here = first(folder, name);
    Path parent = folder.toAbsolutePath().normalize().getParent();
    boolean export = folder.getFileName() != null && folder.endsWith("onnx");
    return here == null && export && parent != null ? first(parent, name) : here;
  }

  /**
   * Whether a folder has all that a model takes: other tools' caches often hold the tokenizer alone
   * or a part of a checkpoint's shards.
   *
   * @param formats further formats of weights, of the backends there are
   * @throws ModelException if the index of a sharded checkpoint cannot be read
   */
  static boolean isComplete(Path folder, List<WeightFormat> formats) {
    if (!Files.isRegularFile(folder.resolve(ModelFileNames.TOKENIZER))) {
      return false;
    }
    Path weights = weights(folder);
    return weights != null
        ? FileDigests.withShards(weights).stream().allMatch(Files::isRegularFile)
        : findOnnx(folder) != null
            || ScriptFiles.find(folder) != null
            || !inFormats(folder, formats).isEmpty();
  }

  private static @Nullable Path first(Path folder, String name) {
    Path file = folder.resolve(name);
    return Files.isRegularFile(file) ? file : null;
  }

  private static @Nullable Path weights(Path folder) {
    return ModelFileNames.weights(name -> first(folder, name) != null)
        .map(folder::resolve)
        .orElse(null);
  }

  private static @Nullable Path findOnnx(Path folder) {
    Optional<String> usual = ModelFileNames.onnx(name -> first(folder, name) != null);
    if (usual.isPresent()) {
      return folder.resolve(usual.get());
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> found =
          files.filter(f -> f.getFileName().toString().endsWith(".onnx")).sorted().toList();
      if (found.size() > 1) {
        throw new ModelException(
            "Expected one .onnx file in " + folder + ", found " + found + ". Name the one to use.");
      }
      return found.isEmpty() ? null : found.get(0);
    } catch (IOException e) {
      throw new ModelException(
          "Cannot list the model's folder " + folder + ": " + e.getMessage(), e);
    }
  }

  private ModelDescription describe() {
    own.fieldNames()
        .forEachRemaining(key -> {
          if (!OWN_KEYS.contains(key)) {
            throw new ModelException(
                "Unknown key \""
                    + key
                    + "\" in "
                    + folder.resolve(ModelFileNames.LUCIOLE)
                    + "; known are "
                    + new TreeSet<>(OWN_KEYS));
          }
        });
    requireType("normalize", JsonNode::isBoolean, "true or false");
    requireType("maxTokens", JsonNode::isIntegralNumber, "a whole number");
    requireType("queryPrompt", JsonNode::isTextual, "a string");
    requireType("passagePrompt", JsonNode::isTextual, "a string");
    JsonNode modules = ModelJson.readArrayIfPresent(folder.resolve(ModelFileNames.MODULES));
    Pooling pooling = pooling(modules);
    boolean normalize = hasM3Heads || (modules.isMissingNode() && serving.normalize());
    for (JsonNode module : modules) {
      normalize |= module.path("type").asText().endsWith("Normalize");
    }
    if (own.has("normalize")) {
      normalize = own.path("normalize").asBoolean();
    }
    OptionalInt hidden =
        config.has("hidden_size")
            ? OptionalInt.of(config.path("hidden_size").asInt())
            : OptionalInt.empty();
    return new ModelDescription(
        hidden,
        maxTokens(),
        pooling,
        normalize,
        prompts(),
        unweightedTokens(),
        outlierChannels(hidden.orElse(Integer.MAX_VALUE)),
        familiarity());
  }

  private @Nullable Familiarity familiarity() {
    JsonNode written = own.path("tokensPerLetter");
    if (written.isMissingNode()) {
      return null;
    }
    double known = written.path("known").asDouble();
    double foreign = written.path("foreign").asDouble();
    if (written.size() != 2 || !(0 < known && known < foreign)) {
      throw new ModelException(
          "Expected {\"known\": K, \"foreign\": F} with numbers 0 < K < F for"
              + " \"tokensPerLetter\", found "
              + written
              + " in "
              + folder.resolve(ModelFileNames.LUCIOLE));
    }
    return new Familiarity(known, foreign);
  }

  private void requireType(String key, Predicate<JsonNode> type, String expected) {
    if (own.has(key) && !type.test(own.path(key))) {
      throw new ModelException(
          "Expected "
              + expected
              + " for \""
              + key
              + "\", found "
              + own.path(key)
              + " in "
              + folder.resolve(ModelFileNames.LUCIOLE));
    }
  }

  private Set<Integer> outlierChannels(int hidden) {
    JsonNode written = own.path("outlierChannels");
    Set<Integer> channels = new TreeSet<>();
    for (JsonNode channel : written) {
      channels.add(channel.isInt() ? channel.asInt() : -1);
    }
    boolean fits = channels.stream().allMatch(channel -> channel >= 0 && channel < hidden);
    if (!(written.isMissingNode() || written.isArray()) || !fits) {
      throw new ModelException(
          "Expected a list of numbers from 0 to hidden_size - 1 for \"outlierChannels\", found "
              + written
              + " in "
              + folder.resolve("luciole.json"));
    }
    return channels;
  }

  private @Nullable Pooling pooling(JsonNode modules) {
    if (own.has("pooling")) {
      String written = own.path("pooling").asText();
      try {
        return Pooling.valueOf(written.toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException e) {
        throw new ModelException(
            "Expected \"cls\", \"mean\" or \"last\" for \"pooling\", found \""
                + written
                + "\" in "
                + folder.resolve(ModelFileNames.LUCIOLE),
            e);
      }
    }
    for (JsonNode module : modules) {
      if (module.path("type").asText().endsWith("Pooling")) {
        return declaredPooling(folder.resolve(module.path("path").asText()).resolve("config.json"));
      }
    }
    return hasM3Heads ? Pooling.CLS : serving.pooling();
  }

  /** What sentence-transformers writes: one flag a mode, or since 5.x one name. */
  private static Pooling declaredPooling(Path file) {
    JsonNode node = ModelJson.read(file);
    String mode = node.path("pooling_mode").asText();
    if (node.path("pooling_mode_cls_token").asBoolean() || mode.equals("cls")) {
      return Pooling.CLS;
    }
    if (node.path("pooling_mode_mean_tokens").asBoolean() || mode.equals("mean")) {
      return Pooling.MEAN;
    }
    if (node.path("pooling_mode_lasttoken").asBoolean() || mode.equals("lasttoken")) {
      return Pooling.LAST;
    }
    throw new ModelException(
        "Expected pooling by cls, mean or last token, found " + node + " in " + file);
  }

  /** The smallest of the limits that the files state. */
  private int maxTokens() {
    int limit = NO_LIMIT;
    if (config.has("max_position_embeddings")) {
      int rows = config.path("max_position_embeddings").asInt();
      // RoBERTa's positions start behind the padding id, which costs that many rows of the table.
      boolean roberta = config.path("model_type").asText().contains("roberta");
      limit = roberta ? rows - config.path("pad_token_id").asInt(1) - 1 : rows;
    }
    JsonNode sentence = ModelJson.readIfPresent(folder.resolve(ModelFileNames.SENTENCE_CONFIG));
    limit = Math.min(limit, positive(sentence.path("max_seq_length")));
    JsonNode tokenizer = ModelJson.readIfPresent(folder.resolve(ModelFileNames.TOKENIZER_CONFIG));
    limit = Math.min(limit, positive(tokenizer.path("model_max_length")));
    limit = Math.min(limit, serving.maxLength().orElse(NO_LIMIT));
    if (own.has("maxTokens")) {
      int asked = own.path("maxTokens").asInt();
      if (asked < 2 || asked > limit) {
        throw new ModelException(
            "Expected \"maxTokens\" from 2 to "
                + limit
                + ", found "
                + own.path("maxTokens")
                + " in "
                + folder.resolve(ModelFileNames.LUCIOLE));
      }
      return asked;
    }
    if (limit == NO_LIMIT) {
      throw new ModelException(
          "Nothing says how many tokens this model takes: expected max_position_embeddings in"
              + " config.json, or \"maxTokens\" in "
              + folder.resolve(ModelFileNames.LUCIOLE));
    }
    if (limit < 2) {
      throw new ModelException(
          "Expected a limit of at least 2 tokens, found " + limit + " in the files of " + folder);
    }
    return limit;
  }

  private static int positive(JsonNode number) {
    double value = number.asDouble(NO_LIMIT);
    return value >= 1 && value < NO_LIMIT ? (int) value : NO_LIMIT;
  }

  private Map<Role, String> prompts() {
    Map<Role, String> prompts = new EnumMap<>(Role.class);
    JsonNode declared =
        ModelJson.readIfPresent(folder.resolve(ModelFileNames.PROMPTS)).path("prompts");
    put(prompts, Role.QUERY, declared.path("query"));
    put(prompts, Role.PASSAGE, declared.path("document"));
    put(prompts, Role.PASSAGE, declared.path("passage"));
    put(prompts, Role.QUERY, own.path("queryPrompt"));
    put(prompts, Role.PASSAGE, own.path("passagePrompt"));
    return prompts;
  }

  private static void put(Map<Role, String> prompts, Role role, JsonNode text) {
    if (text.isTextual() && !text.asText().isEmpty()) {
      prompts.put(role, text.asText());
    }
  }

  /** As FlagEmbedding has it: the ids of the tokenizer's cls, eos, pad and unk tokens. */
  private Set<Integer> unweightedTokens() {
    if (!Files.isRegularFile(folder.resolve(ModelFileNames.TOKENIZER))) {
      return Set.of();
    }
    JsonNode names = ModelJson.readIfPresent(folder.resolve(ModelFileNames.TOKENIZER_CONFIG));
    JsonNode map = ModelJson.readIfPresent(folder.resolve(ModelFileNames.SPECIAL_TOKENS));
    Map<String, Integer> ids = ModelJson.addedTokens(folder.resolve(ModelFileNames.TOKENIZER));
    Set<Integer> unweighted = new TreeSet<>();
    for (String kind : List.of("cls_token", "eos_token", "pad_token", "unk_token")) {
      JsonNode token = names.hasNonNull(kind) ? names.path(kind) : map.path(kind);
      String content = token.isObject() ? token.path("content").asText() : token.asText();
      Integer id = ids.get(content);
      if (id != null && id >= 0) {
        unweighted.add(id);
      }
    }
    return unweighted;
  }
}
