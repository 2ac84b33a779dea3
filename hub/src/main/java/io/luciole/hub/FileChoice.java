package io.luciole.hub;

import io.luciole.internal.ModelFileNames;
import io.luciole.model.ModelException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Chooses the files of a repository that are needed: those that {@link ModelFileNames} lists, and
 * of several forms of the weights the preferred one.
 */
final class FileChoice {
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

  /**
   * Chooses the files to fetch.
   *
   * @param model the model's name, for messages
   * @param names the paths of all files there are
   * @throws ModelException if something that is needed is not among them
   */
  static Set<String> choose(String model, Set<String> names, PullOptions options) {
    if (!names.contains(ModelFileNames.TOKENIZER)) {
      throw new ModelException(
          "The model "
              + model
              + " cannot be used: expected a tokenizer.json, found "
              + listed(names)
              + '.');
    }
    Set<String> chosen = new TreeSet<>();
    for (String name : names) {
      if (ModelFileNames.isBesideWeights(name)) {
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

  /** The preferred form of the weights: one file, or an index and its shards; or none. */
  private static List<String> weights(Set<String> names) {
    String form = ModelFileNames.weights(names::contains).orElse(null);
    if (form == null || !ModelFileNames.isIndex(form)) {
      return form == null ? List.of() : List.of(form);
    }
    Pattern shard = ModelFileNames.shards(form);
    return Stream.concat(Stream.of(form), names.stream().filter(shard.asMatchPredicate())).toList();
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
    Optional<String> usual = ModelFileNames.onnx(names::contains);
    if (usual.isPresent()) {
      return usual.get();
    }
    List<String> atRoot = there.stream().filter(name -> name.indexOf('/') < 0).toList();
    if (atRoot.size() == 1) {
      return atRoot.get(0);
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

  private static String listed(Set<String> names) {
    List<String> first = names.stream().sorted().limit(LISTED).toList();
    return first + (names.size() > LISTED ? " and " + (names.size() - LISTED) + " more" : "");
  }
}
