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
import java.util.stream.Collectors;
import java.util.stream.Stream;
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

  /** The modules' classes by their whole names, in releases 2 to 5 and since release 6. */
  private static final Set<String> CLASSES =
      Stream.concat(
              KNOWN.stream().map(name -> "sentence_transformers.models." + name),
              Stream.of(
                  "sentence_transformers.base.modules.transformer.Transformer",
                  "sentence_transformers.base.modules.dense.Dense",
                  "sentence_transformers.base.modules.normalize.Normalize",
                  "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
                  "sentence_transformers.sentence_transformer.modules.layer_norm.LayerNorm",
                  "sentence_transformers.sentence_transformer.modules.dropout.Dropout"))
          .collect(Collectors.toUnmodifiableSet());

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

  private static final Set<String> DENSE_KEYS =
      Set.of(
          "in_features",
          "out_features",
          "bias",
          "activation_function",
          "module_input_name",
          "module_output_name",
          "use_residual");

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
      String type = requireKnown(new SettingsFile(entry, folder.resolve(ModelFileNames.MODULES)));
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
        default -> throw new IllegalStateException(type);
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
      if (type(entry).equals("Transformer") && !entry.path("path").asText("").isEmpty()) {
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

  /**
   * The name of a module that is applied: a class of the model's own may do anything, whatever its
   * name.
   */
  private static String requireKnown(SettingsFile entry) {
    entry.requireKeys(ENTRY_KEYS);
    String whole = entry.text("type").orElse("");
    String path = entry.text("path").orElseThrow(() -> entry.wrong("path", "a string"));
    String type = type(entry.json());
    if (!CLASSES.contains(whole)) {
      throw new ModelException(
          "Expected the modules "
              + KNOWN
              + " of sentence-transformers, found "
              + type
              + " (\""
              + whole
              + "\", path \""
              + path
              + "\") in "
              + entry.file()
              + ". Luciole does not apply it, and vectors without it are others than"
              + " sentence-transformers gives.");
    }
    return type;
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
          "Expected the modules Transformer and Pooling, and behind them any of Dense, LayerNorm"
              + " and Normalize, found "
              + found
              + " in "
              + folder.resolve(ModelFileNames.MODULES));
    }
  }

  /** One flag a mode, or since release 5 a name or a list of names, which then counts alone. */
  private static TokenPooling pooling(Path file) {
    Set<String> keys = new TreeSet<>(POOLING_KEYS);
    keys.addAll(FLAGS);
    SettingsFile settings = SettingsFile.read(file).requireKeys(keys);
    Set<Pooling> modes = new LinkedHashSet<>();
    for (String name : modes(settings)) {
      Pooling mode =
          Pooling.ofId(name)
              .orElseThrow(() -> settings.wrong("pooling_mode", "a pooling of " + Pooling.names()));
      if (!modes.add(mode)) {
        throw settings.wrong("pooling_mode", "each pooling once");
      }
    }
    if (modes.isEmpty()) {
      throw new ModelException(
          "Expected at least one pooling, found " + settings.json() + " in " + file);
    }
    return new TokenPooling(List.copyOf(modes), settings.flag("include_prompt", true));
  }

  private static List<String> modes(SettingsFile settings) {
    String key = "pooling_mode";
    JsonNode named = settings.json().path(key);
    if (!settings.has(key)) {
      return FLAGS.stream()
          .filter(flag -> settings.flag(flag, false))
          .map(flag -> flag.substring("pooling_mode_".length()))
          .map(flag -> flag.equals("mean_sqrt_len_tokens") ? flag : flag.split("_", -1)[0])
          .toList();
    }
    List<String> names = new ArrayList<>();
    for (JsonNode mode : named.isArray() ? named : List.of(named)) {
      if (!mode.isTextual()) {
        throw settings.wrong(key, "a string or a list of strings");
      }
      names.add(mode.asText());
    }
    return names;
  }

  private static VectorModule dense(Path folder) {
    SettingsFile config =
        SettingsFile.read(folder.resolve(ModelFileNames.CONFIG)).requireKeys(DENSE_KEYS);
    requireVector(config);
    int inputs = config.size("in_features");
    int outputs = config.size("out_features");
    boolean hasBias = config.flag("bias", true);
    boolean addsInput = config.flag("use_residual", false);
    boolean projects = addsInput && inputs != outputs;
    Activation activation = activation(config);
    try (Checkpoint weights = Checkpoint.open(weights(folder))) {
      Set<String> used = new TreeSet<>(Set.of("linear.weight"));
      if (hasBias) {
        used.add("linear.bias");
      }
      if (projects) {
        used.add("residual.weight");
      }
      requireNoMore(weights, used, folder);
      return new Dense(
          folder.toString(),
          floats(weights, "linear.weight", outputs, inputs),
          hasBias ? floats(weights, "linear.bias", outputs) : new float[outputs],
          activation,
          addsInput,
          projects ? floats(weights, "residual.weight", outputs, inputs) : null);
    }
  }

  /** A tensor that is not used is one of a layer that is not computed. */
  private static void requireNoMore(Checkpoint weights, Set<String> used, Path folder) {
    Set<String> unused = new TreeSet<>(weights.names());
    unused.removeAll(used);
    if (!unused.isEmpty()) {
      throw new ModelException(
          "Expected no tensors but "
              + used
              + " by the settings of the module in "
              + folder
              + ", found "
              + unused
              + " beside them. Luciole does not know what they do to the vectors.");
    }
  }

  /** {@code torch.nn.modules.activation.Tanh}; where there is none, the reference takes Tanh. */
  private static Activation activation(SettingsFile config) {
    String key = "activation_function";
    if (!config.json().has(key)) {
      return Activation.TANH;
    }
    String name = config.text(key).orElse("");
    Activation activation = ACTIVATIONS.get(name.substring(name.lastIndexOf('.') + 1));
    if (activation == null || !name.startsWith("torch.nn.")) {
      throw config.wrong(
          key,
          "an activation of torch.nn that Luciole computes, one of "
              + new TreeSet<>(ACTIVATIONS.keySet())
              + ',');
    }
    return activation;
  }

  private static VectorModule layerNorm(Path folder) {
    SettingsFile config =
        SettingsFile.read(folder.resolve(ModelFileNames.CONFIG)).requireKeys(Set.of("dimension"));
    int size = config.size("dimension");
    try (Checkpoint weights = Checkpoint.open(weights(folder))) {
      requireNoMore(weights, Set.of("norm.weight", "norm.bias"), folder);
      return new LayerNorm(
          folder.toString(),
          floats(weights, "norm.weight", size),
          floats(weights, "norm.bias", size));
    }
  }

  /** The module has had a configuration since release 6 only. */
  private static VectorModule normalize(Path file) {
    requireVector(
        SettingsFile.readIfPresent(file)
            .requireKeys(Set.of("module_input_name", "module_output_name")));
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

  /** Modules over token states or other features are none of ours. */
  private static void requireVector(SettingsFile config) {
    for (String key : List.of("module_input_name", "module_output_name")) {
      if (!config.text(key).orElse(VECTOR).equals(VECTOR)) {
        throw config.wrong(
            key, '"' + VECTOR + "\", since modules are applied to the pooled vector alone,");
      }
    }
  }
}
