package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.internal.ModelFileNames;
import io.luciole.model.VectorModule.Activation;
import io.luciole.model.VectorModule.Dense;
import io.luciole.model.VectorModule.LayerNorm;
import io.luciole.model.VectorModule.Normalize;
import io.luciole.model.checkpoint.Checkpoint;
import io.luciole.model.checkpoint.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The modules of {@code modules.json} behind the transformer, in the forms of sentence-transformers
 * 2 to 6. What they say and Luciole does not do is refused by name.
 *
 * @param pooling how token states become a vector; null if there is no such module
 * @param modules what is applied to that vector, in this order
 * @param normalize whether the last step scales vectors to length 1
 */
record SentencePipeline(
    @Nullable TokenPooling pooling, List<VectorModule> modules, boolean normalize) {
  /** Modules that are applied, and {@code Dropout}, which does nothing outside training. */
  private static final List<String> KNOWN =
      List.of("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize", "Dropout");

  private static final Set<String> ENTRY_KEYS = Set.of("idx", "name", "path", "type", "kwargs");

  /** In the order in which the reference concatenates, whatever that of the keys. */
  private static final List<String> FLAGS =
      List.of(
          "pooling_mode_cls_token",
          "pooling_mode_max_tokens",
          "pooling_mode_mean_tokens",
          "pooling_mode_mean_sqrt_len_tokens",
          "pooling_mode_weightedmean_tokens",
          "pooling_mode_lasttoken");

  private static final Set<String> POOLING_KEYS =
      Set.of("word_embedding_dimension", "embedding_dimension", "pooling_mode", "include_prompt");

  private static final Map<String, Activation> ACTIVATIONS =
      Map.of(
          "Identity", Activation.IDENTITY,
          "Tanh", Activation.TANH,
          "ReLU", Activation.RELU,
          "Sigmoid", Activation.SIGMOID,
          "SiLU", Activation.SILU);

  private static final String VECTOR = "sentence_embedding";

  /**
   * Reads the modules.
   *
   * @param folder the folder of {@code modules.json}
   * @param list its content
   * @param chosen the pooling to take in place of the modules' own; null for that
   * @throws ModelException if one is not applied, or not as it says
   */
  static SentencePipeline read(Path folder, JsonNode list, @Nullable TokenPooling chosen) {
    List<String> found = new ArrayList<>();
    TokenPooling pooling = chosen;
    List<VectorModule> modules = new ArrayList<>();
    for (JsonNode entry : list) {
      requireKeys(entry, ENTRY_KEYS, folder.resolve(ModelFileNames.MODULES));
      String type = type(entry);
      Path own = folder.resolve(entry.path("path").asText());
      switch (type) {
        case "Dropout" -> {
          continue;
        }
        case "Transformer" -> {}
        case "Pooling" ->
            pooling = chosen != null ? chosen : pooling(own.resolve(ModelFileNames.CONFIG));
        case "Dense" -> modules.add(dense(own));
        case "LayerNorm" -> modules.add(layerNorm(own));
        case "Normalize" -> modules.add(normalize(own.resolve(ModelFileNames.CONFIG)));
        default ->
            throw new ModelException(
                "Expected the modules "
                    + KNOWN
                    + ", found "
                    + type
                    + " ("
                    + entry.path("path").asText()
                    + ") in "
                    + folder.resolve(ModelFileNames.MODULES)
                    + ". Luciole does not apply it, and vectors without it are others than"
                    + " sentence-transformers gives.");
      }
      found.add(type);
    }
    requireOrder(found, folder);
    boolean normalize = !modules.isEmpty() && modules.get(modules.size() - 1) instanceof Normalize;
    return new SentencePipeline(
        pooling,
        List.copyOf(normalize ? modules.subList(0, modules.size() - 1) : modules),
        normalize);
  }

  /** Whether one of the modules is {@code Normalize}. */
  static boolean normalizes(JsonNode list) {
    for (JsonNode entry : list) {
      if (type(entry).equals("Normalize")) {
        return true;
      }
    }
    return false;
  }

  /** The folder of the transformer in that of {@code modules.json}; usually the same. */
  static Path transformer(Path folder, JsonNode list) {
    for (JsonNode entry : list) {
      if (type(entry).equals("Transformer") && !entry.path("path").asText().isEmpty()) {
        return folder.resolve(entry.path("path").asText());
      }
    }
    return folder;
  }

  /** The name of a module's class: {@code sentence_transformers.models.Pooling} is a Pooling. */
  private static String type(JsonNode entry) {
    String name = entry.path("type").asText();
    return name.substring(name.lastIndexOf('.') + 1);
  }

  private static void requireOrder(List<String> found, Path folder) {
    List<String> behind = found.subList(Math.min(2, found.size()), found.size());
    boolean fits =
        (found.isEmpty() || found.get(0).equals("Transformer"))
            && (found.size() < 2 || found.get(1).equals("Pooling"))
            && !behind.contains("Transformer")
            && !behind.contains("Pooling");
    if (!fits) {
      throw new ModelException(
          "Expected the modules Transformer and Pooling, and behind them any of Dense, LayerNorm and"
              + " Normalize, found "
              + found
              + " in "
              + folder.resolve(ModelFileNames.MODULES));
    }
  }

  /** One flag a mode, or since release 5 a name or a list of names, which then counts alone. */
  private static TokenPooling pooling(Path file) {
    JsonNode node = ModelJson.read(file);
    Set<String> keys = new TreeSet<>(POOLING_KEYS);
    keys.addAll(FLAGS);
    requireKeys(node, keys, file);
    Set<Pooling> modes = new LinkedHashSet<>();
    JsonNode named = node.path("pooling_mode");
    try {
      if (named.isArray()) {
        named.forEach(mode -> modes.add(Pooling.parse(mode.asText())));
      } else if (named.isTextual()) {
        modes.add(Pooling.parse(named.asText()));
      } else {
        FLAGS.stream()
            .filter(flag -> node.path(flag).asBoolean())
            .map(flag -> flag.substring("pooling_mode_".length()))
            .map(flag -> flag.equals("mean_sqrt_len_tokens") ? flag : flag.split("_", -1)[0])
            .forEach(name -> modes.add(Pooling.parse(name)));
      }
    } catch (IllegalArgumentException e) {
      throw new ModelException("Wrong pooling in " + file + ": " + e.getMessage(), e);
    }
    if (modes.isEmpty()) {
      throw new ModelException("Expected at least one pooling, found " + node + " in " + file);
    }
    return new TokenPooling(List.copyOf(modes), node.path("include_prompt").asBoolean(true));
  }

  private static VectorModule dense(Path folder) {
    Path file = folder.resolve(ModelFileNames.CONFIG);
    JsonNode config = ModelJson.read(file);
    requireKeys(
        config,
        Set.of(
            "in_features",
            "out_features",
            "bias",
            "activation_function",
            "module_input_name",
            "module_output_name",
            "use_residual"),
        file);
    requireVector(config, file);
    int inputs = size(config, "in_features", file);
    int outputs = size(config, "out_features", file);
    Activation activation = activation(config.path("activation_function"), file);
    try (Checkpoint weights = Checkpoint.open(weights(folder))) {
      float[] weight = floats(weights, "linear.weight", outputs, inputs);
      float[] bias =
          config.path("bias").asBoolean(true)
              ? floats(weights, "linear.bias", outputs)
              : new float[outputs];
      boolean residual = config.path("use_residual").asBoolean();
      return new Dense(
          weight,
          bias,
          activation,
          residual,
          residual && inputs != outputs
              ? floats(weights, "residual.weight", outputs, inputs)
              : null);
    }
  }

  /** {@code torch.nn.modules.activation.Tanh}; where there is none, the reference takes Tanh. */
  private static Activation activation(JsonNode written, Path file) {
    if (written.isMissingNode() || written.isNull()) {
      return Activation.TANH;
    }
    String name = written.asText();
    Activation activation = ACTIVATIONS.get(name.substring(name.lastIndexOf('.') + 1));
    if (activation == null || !name.startsWith("torch.nn.")) {
      throw new ModelException(
          "Expected an \"activation_function\" of torch.nn named one of "
              + new TreeSet<>(ACTIVATIONS.keySet())
              + ", found "
              + written
              + " in "
              + file
              + ". Luciole does not compute it.");
    }
    return activation;
  }

  private static VectorModule layerNorm(Path folder) {
    Path file = folder.resolve(ModelFileNames.CONFIG);
    JsonNode config = ModelJson.read(file);
    requireKeys(config, Set.of("dimension"), file);
    int size = size(config, "dimension", file);
    try (Checkpoint weights = Checkpoint.open(weights(folder))) {
      return new LayerNorm(
          floats(weights, "norm.weight", size), floats(weights, "norm.bias", size));
    }
  }

  /** The module has had a configuration since release 6 only. */
  private static VectorModule normalize(Path file) {
    if (Files.isRegularFile(file)) {
      JsonNode config = ModelJson.read(file);
      requireKeys(config, Set.of("module_input_name", "module_output_name"), file);
      requireVector(config, file);
    }
    return new Normalize();
  }

  private static Path weights(Path folder) {
    for (String name : List.of("model.safetensors", "pytorch_model.bin")) {
      if (Files.isRegularFile(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    throw new ModelException(
        "Expected model.safetensors or pytorch_model.bin in the module's folder "
            + folder
            + ", found neither. Copy it from the model's page, or run luciole pull again.");
  }

  private static float[] floats(Checkpoint weights, String name, long... shape) {
    Tensor tensor = weights.requireShape(name, shape);
    return tensor.toFloats();
  }

  private static int size(JsonNode config, String key, Path file) {
    int size = config.path(key).asInt();
    if (size < 1) {
      throw new ModelException(
          "Expected a whole number of at least 1 for \""
              + key
              + "\", found "
              + config.path(key)
              + " in "
              + file);
    }
    return size;
  }

  /** Modules over token states or other features are none of ours. */
  private static void requireVector(JsonNode config, Path file) {
    for (String key : List.of("module_input_name", "module_output_name")) {
      if (config.hasNonNull(key) && !config.path(key).asText().equals(VECTOR)) {
        throw new ModelException(
            "Expected \""
                + key
                + "\": \""
                + VECTOR
                + "\", found "
                + config.path(key)
                + " in "
                + file
                + ". Luciole applies modules to the pooled vector alone.");
      }
    }
  }

  /** Refuses keys whose meaning for the vectors is not known; null is no value. */
  static void requireKeys(JsonNode node, Set<String> known, Path file) {
    node.properties()
        .forEach(entry -> {
          if (!known.contains(entry.getKey()) && !entry.getValue().isNull()) {
            throw new ModelException(
                "Expected keys of "
                    + new TreeSet<>(known)
                    + ", found \""
                    + entry.getKey()
                    + "\": "
                    + entry.getValue()
                    + " in "
                    + file
                    + ". Luciole does not know what it means for the vectors.");
          }
        });
  }
}
