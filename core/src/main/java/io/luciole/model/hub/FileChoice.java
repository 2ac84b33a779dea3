package io.luciole.model.hub;

import io.luciole.model.ModelException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which files of a repository are needed: those that {@code ModelFolder} reads, and of several
 * forms of the weights the one that it prefers.
 */
final class FileChoice {
  private static final Set<String> BESIDE =
      Set.of(
          "config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "modules.json",
          "sentence_bert_config.json",
          "config_sentence_transformers.json",
          "luciole.json",
          "sparse_linear.pt",
          "colbert_linear.pt");

  private static final Pattern POOLING = Pattern.compile("\\d+_\\w*Pooling/config\\.json");

  private static final List<Weights> WEIGHTS =
      List.of(new Weights("model", "safetensors"), new Weights("pytorch_model", "bin"));

  /** The ONNX files that are found by the name of their model. */
  private static final List<String> ONNX =
      List.of("model.onnx", "onnx/model.onnx", "model_quantized.onnx");

  /**
   * Files beside an ONNX file that can be no tensors of it. Exporters give external tensors any
   * name, such as {@code model.onnx_data} and {@code Constant_7_attr__value}.
   */
  private static final Pattern NO_TENSORS =
      Pattern.compile(
          ".*\\.(onnx|json|jsonl|md|txt|py|ipynb|model|safetensors|bin|pt|pth|h5|msgpack|ot|gguf"
              + "|tflite|xml|yml|yaml|png|jpe?g|webp|gif|svg|pdf|html|zip|gz)"
              + "|.*\\.onnx[._]data.*|LICEN[CS]E.*|README.*|NOTICE.*",
          Pattern.CASE_INSENSITIVE);

  private static final int LISTED = 12;

  private FileChoice() {}

  /** A form of the weights: one file, or an index and its shards. */
  private record Weights(String stem, String suffix) {
    List<String> of(Collection<String> names) {
      String whole = stem + "." + suffix;
      String index = whole + ".index.json";
      if (names.contains(whole)) {
        return List.of(whole);
      }
      if (!names.contains(index)) {
        return List.of();
      }
      Pattern shard = Pattern.compile(stem + "-\\d+-of-\\d+\\." + suffix);
      List<String> chosen = new ArrayList<>(List.of(index));
      names.stream().filter(name -> shard.matcher(name).matches()).sorted().forEach(chosen::add);
      return chosen;
    }
  }

  /**
   * Chooses.
   *
   * @param model the model's name, for messages
   * @param names the paths of all files there are
   * @throws ModelException if something that is needed is not among them
   */
  static Set<String> choose(String model, Set<String> names, PullOptions options) {
    if (!names.contains("tokenizer.json")) {
      throw new ModelException(
          "The model "
              + model
              + " cannot be used: expected a tokenizer.json, found "
              + listed(names)
              + '.');
    }
    Set<String> chosen = new TreeSet<>();
    for (String name : names) {
      if (BESIDE.contains(name) || POOLING.matcher(name).matches()) {
        chosen.add(name);
      }
    }
    List<String> weights = options.onnx() ? List.of() : weights(names);
    if (!weights.isEmpty()) {
      chosen.addAll(weights);
      return chosen;
    }
    String onnx = onnx(model, names, options);
    chosen.add(onnx);
    String folder = onnx.substring(0, onnx.lastIndexOf('/') + 1);
    for (String name : names) {
      boolean beside = name.startsWith(folder) && name.indexOf('/', folder.length()) < 0;
      boolean own = name.startsWith(onnx) && !name.endsWith(".onnx");
      if (beside && (own || !NO_TENSORS.matcher(name.substring(folder.length())).matches())) {
        chosen.add(name);
      }
    }
    return chosen;
  }

  /**
   * Checks that what would be chosen is there.
   *
   * @throws ModelException if something that is needed is not among the names
   */
  static void check(String model, Set<String> names, PullOptions options) {
    choose(model, names, options);
  }

  private static List<String> weights(Set<String> names) {
    return WEIGHTS.stream()
        .map(form -> form.of(names))
        .filter(files -> !files.isEmpty())
        .findFirst()
        .orElse(List.of());
  }

  /** Whether this file's content names the shards of a checkpoint. */
  static boolean isIndex(String name) {
    return name.endsWith(".index.json");
  }

  private static String onnx(String model, Set<String> names, PullOptions options) {
    List<String> there = names.stream().filter(name -> name.endsWith(".onnx")).sorted().toList();
    String asked = options.onnxFile();
    if (asked != null) {
      if (!names.contains(asked)) {
        throw new ModelException(
            "The model " + model + " has no file " + asked + "; its ONNX files: " + there + '.');
      }
      return asked;
    }
    String usual = usual(there);
    if (usual != null) {
      return usual;
    }
    if (there.isEmpty()) {
      throw new ModelException(
          "The model "
              + model
              + " cannot be used: expected "
              + (options.onnx() ? "" : "model.safetensors, pytorch_model.bin or ")
              + "an ONNX file, found "
              + listed(names)
              + '.');
    }
    throw new ModelException(
        "The model " + model + " has no usual ONNX file; name one of " + there + '.');
  }

  private static @Nullable String usual(List<String> there) {
    for (String name : ONNX) {
      if (there.contains(name)) {
        return name;
      }
    }
    List<String> atRoot = there.stream().filter(name -> name.indexOf('/') < 0).toList();
    return atRoot.size() == 1 ? atRoot.get(0) : null;
  }

  private static String listed(Set<String> names) {
    List<String> first = names.stream().sorted().limit(LISTED).toList();
    return first + (names.size() > LISTED ? " and " + (names.size() - LISTED) + " more" : "");
  }
}
