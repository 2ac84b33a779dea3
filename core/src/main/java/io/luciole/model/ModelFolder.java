package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.Role;
import io.luciole.internal.ModelFileNames;
import io.luciole.model.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a model's folder in the layouts people have: a Hugging Face checkpoint, a
 * sentence-transformers folder, an ONNX export, a TorchScript file, DJL's model zoo. What the files
 * leave open can be written into {@code luciole.json} beside them:
 *
 * <pre>
 * {"pooling": "cls" | "mean" | "last" | "cls,mean" …, "normalize": true, "maxTokens": 512,
 *  "queryPrompt": "query: ", "passagePrompt": "passage: ", "outlierChannels": [63, 99],
 *  "tokensPerLetter": {"known": 0.28, "foreign": 0.45}}
 * </pre>
 *
 * <p>{@code tokensPerLetter} is a {@link Familiarity}.
 */
final class ModelFolder {
  private static final Logger log = LoggerFactory.getLogger(ModelFolder.class);

  private static final Set<String> OWN_KEYS =
      Set.of(
          "pooling",
          "normalize",
          "maxTokens",
          "queryPrompt",
          "passagePrompt",
          "outlierChannels",
          "tokensPerLetter");

  /** Rows of a table are no limit of the model beyond this. */
  private static final int NO_LIMIT = 1 << 20;

  /** The folder of the checkpoint and its tokenizer. */
  private final Path folder;

  private final Path luciole;
  private final JsonNode config;
  private final JsonNode own;
  private final ServingProperties serving;
  private final SentenceTransformers sentence;
  private final TokenizerConfig tokenizer;
  private final boolean hasM3Heads;

  private ModelFolder(Path root, Path folder, boolean hasM3Heads) {
    this.folder = folder;
    this.luciole = root.resolve(ModelFileNames.LUCIOLE);
    this.config = ModelJson.readIfPresent(folder.resolve(ModelFileNames.CONFIG));
    this.own = ModelJson.readIfPresent(luciole);
    this.serving = ServingProperties.of(folder);
    this.sentence = new SentenceTransformers(root);
    this.tokenizer = new TokenizerConfig(folder);
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
    Path root = folder;
    folder = transformer(root);
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
      onnx = findOnnx(folder, weights != null);
    }
    if (script == null && weights == null && !isOnnx) {
      script = ScriptFiles.find(folder);
    }
    List<Path> ownWeights = isOnnx || isScript ? List.of() : inFormats(folder, formats);
    if (weights == null && onnx == null && script == null && ownWeights.isEmpty()) {
      throw new ModelException(noWeights(folder, formats));
    }
    Path config = first(folder, ModelFileNames.CONFIG);
    if (weights != null && onnx != null && !isComputed(config, onnx)) {
      weights = null;
    }
    if (weights != null) {
      requireNoAdapter(folder);
    }
    Path sparseHead = head(folder, ModelFileNames.SPARSE_HEAD);
    Path colbertHead = head(folder, ModelFileNames.COLBERT_HEAD);
    ModelDescription description =
        new ModelFolder(root, folder, sparseHead != null || colbertHead != null).describe();
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

  /** sentence-transformers before release 2 kept the checkpoint in a folder of its own. */
  private static Path transformer(Path root) {
    return SentencePipeline.transformer(
        root, ModelJson.readArrayIfPresent(root.resolve(ModelFileNames.MODULES)));
  }

  /** Whether a checkpoint can be computed, or its export has to be taken, which the log says. */
  private static boolean isComputed(@Nullable Path config, Path onnx) {
    if (config == null) {
      return true;
    }
    try {
      EncoderConfig.read(config);
      return true;
    } catch (ModelException e) {
      log.info(
          "The model is run from its export {}, not from its checkpoint: {}", onnx, e.getMessage());
      return false;
    }
  }

  /** Transformers adds an adapter's weights to the checkpoint's when it finds one beside it. */
  private static void requireNoAdapter(Path folder) {
    Path adapter = folder.resolve(ModelFileNames.ADAPTER);
    if (Files.exists(adapter)) {
      throw new ModelException(
          "Expected a checkpoint without an adapter, found "
              + adapter
              + ". Luciole does not add an adapter's weights. Merge them into the checkpoint with"
              + " peft's merge_and_unload, save that, and leave the adapter out.");
    }
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
   * Whether a folder has all that a model takes: other tools' caches often hold the tokenizer
   * alone, a part of a checkpoint's shards, or an ONNX file without the tensors that it names.
   *
   * @param formats further formats of weights, of the backends there are
   * @throws ModelException if the index of a sharded checkpoint cannot be read
   */
  static boolean isComplete(Path root, List<WeightFormat> formats) {
    Path folder = transformer(root);
    if (!Files.isRegularFile(folder.resolve(ModelFileNames.TOKENIZER))) {
      return false;
    }
    Path weights = weights(folder);
    if (weights != null) {
      return FileDigests.withShards(weights).stream().allMatch(Files::isRegularFile);
    }
    Path onnx = findOnnx(folder, false);
    return (onnx != null
            && FileDigests.withExternalData(onnx).stream().allMatch(Files::isRegularFile))
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

  /** The export that is taken without being named; of several beside a checkpoint, none. */
  private static @Nullable Path findOnnx(Path folder, boolean besideCheckpoint) {
    Optional<String> usual = ModelFileNames.onnx(name -> first(folder, name) != null);
    if (usual.isPresent()) {
      return folder.resolve(usual.get());
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> found =
          files.filter(f -> f.getFileName().toString().endsWith(".onnx")).sorted().toList();
      if (found.size() > 1 && besideCheckpoint) {
        return null;
      }
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
                    + luciole
                    + "; known are "
                    + new TreeSet<>(OWN_KEYS));
          }
        });
    requireType("normalize", JsonNode::isBoolean, "true or false");
    requireType("pooling", JsonNode::isTextual, "a string, such as \"mean\" or \"cls,mean\",");
    requireType(
        "maxTokens",
        value -> value.isIntegralNumber() && value.canConvertToInt(),
        "a whole number");
    requireType("queryPrompt", JsonNode::isTextual, "a string");
    requireType("passagePrompt", JsonNode::isTextual, "a string");
    tokenizer.requireAgreement();
    OptionalInt hidden = EncoderConfig.hiddenSize(config);
    return new ModelDescription(
        hidden,
        maxTokens(),
        dense(),
        prompts(),
        sentence.namedPrompts(),
        tokenizer.unweightedTokens(),
        outlierChannels(hidden.orElse(Integer.MAX_VALUE)),
        familiarity(),
        sentence.limits().lowerCase());
  }

  private DenseRecipe dense() {
    TokenPooling chosen = own.has("pooling") ? ownPooling() : null;
    SentencePipeline pipeline = new SentencePipeline(chosen, List.of(), false);
    String problem = null;
    try {
      requireEmbedding();
      pipeline = sentence.pipeline(chosen);
    } catch (ModelException | CheckpointException e) {
      // Of no consequence for an export that gives pooled vectors.
      problem = e.getMessage();
    }
    TokenPooling pooling = pipeline.pooling();
    if (pooling == null) {
      Pooling usual = hasM3Heads ? Pooling.CLS : serving.pooling();
      pooling = usual == null ? null : TokenPooling.of(usual);
    }
    boolean normalize =
        hasM3Heads
            || (sentence.areThere()
                ? pipeline.normalize() || (problem != null && sentence.normalizes())
                : serving.normalize());
    if (own.has("normalize")) {
      normalize = own.path("normalize").asBoolean();
    }
    return new DenseRecipe(
        pooling,
        chosen != null,
        pipeline.modules(),
        sentence.dimensions(),
        normalize,
        problem,
        tokenizer.padsLeft());
  }

  private @Nullable Familiarity familiarity() {
    JsonNode written = own.path("tokensPerLetter");
    if (written.isMissingNode()) {
      return null;
    }
    double known = written.path("known").asDouble();
    double foreign = written.path("foreign").asDouble();
    boolean numbers = written.path("known").isNumber() && written.path("foreign").isNumber();
    if (written.size() != 2 || !numbers || !(0 < known && known < foreign)) {
      throw new ModelException(
          "Expected {\"known\": K, \"foreign\": F} with numbers 0 < K < F for"
              + " \"tokensPerLetter\", found "
              + written
              + " in "
              + luciole);
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
              + luciole);
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
              + luciole);
    }
    return channels;
  }

  private void requireEmbedding() {
    boolean scoresPairs =
        sentence.limits().scoresPairs() || (ScoringHead.isOf(config) && !sentence.areThere());
    if (scoresPairs && !own.has("pooling")) {
      throw new ModelException(
          "Expected a model that embeds texts, found a reranker ("
              + config.path("architectures")
              + " in "
              + folder.resolve(ModelFileNames.CONFIG)
              + "), which scores pairs of texts: open it as a CrossEncoder, or name it with"
              + " --rerank-model.");
    }
  }

  private TokenPooling ownPooling() {
    String written = own.path("pooling").asText();
    try {
      return TokenPooling.parse(written);
    } catch (IllegalArgumentException e) {
      throw new ModelException("Wrong \"pooling\" in " + luciole + ": " + e.getMessage(), e);
    }
  }

  /**
   * The smallest of the limits that the files state. That of sentence-transformers takes the place
   * of the tokenizer's, as there.
   */
  private int maxTokens() {
    OptionalInt positions = EncoderConfig.positions(config);
    int limit =
        positions.isPresent()
            ? positions.getAsInt() - EncoderConfig.firstPosition(config)
            : NO_LIMIT;
    OptionalInt ofSentences = sentence.limits().maxTokens();
    OptionalInt asked = ofSentences.isPresent() ? ofSentences : tokenizer.maxTokens();
    limit = Math.min(limit, asked.orElse(NO_LIMIT));
    limit = Math.min(limit, serving.maxLength().orElse(NO_LIMIT));
    if (own.has("maxTokens")) {
      int chosen = own.path("maxTokens").asInt();
      if (chosen < 2 || chosen > limit) {
        throw new ModelException(
            "Expected \"maxTokens\" from 2 to "
                + limit
                + ", found "
                + own.path("maxTokens")
                + " in "
                + luciole);
      }
      return chosen;
    }
    if (limit == NO_LIMIT) {
      throw new ModelException(
          "Nothing says how many tokens this model takes: expected max_position_embeddings in"
              + " config.json, or \"maxTokens\" in "
              + luciole);
    }
    if (limit < 2) {
      throw new ModelException(
          "Expected a limit of at least 2 tokens, found " + limit + " in the files of " + folder);
    }
    return limit;
  }

  private Map<Role, String> prompts() {
    Map<Role, String> prompts = new EnumMap<>(Role.class);
    prompts.putAll(sentence.prompts());
    put(prompts, Role.QUERY, own.path("queryPrompt"));
    put(prompts, Role.PASSAGE, own.path("passagePrompt"));
    prompts.values().removeIf(String::isEmpty);
    return prompts;
  }

  private static void put(Map<Role, String> prompts, Role role, JsonNode text) {
    if (text.isTextual()) {
      prompts.put(role, text.asText());
    }
  }
}
