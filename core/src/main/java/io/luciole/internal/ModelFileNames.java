package io.luciole.internal;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The names of the files that a model's folder may have, by their paths in that folder. Who reads a
 * model's folder and who downloads one both take the names from here. TorchScript files have no
 * fixed name and are not listed.
 */
public final class ModelFileNames {
  /** The tokenizer in Hugging Face's format; no model is without it. */
  public static final String TOKENIZER = "tokenizer.json";

  /** The architecture of a Transformers checkpoint. */
  public static final String CONFIG = "config.json";

  /** What Transformers says of the tokenizer beside its own file. */
  public static final String TOKENIZER_CONFIG = "tokenizer_config.json";

  /** Transformers' special tokens, in models that do not name them in the tokenizer's config. */
  public static final String SPECIAL_TOKENS = "special_tokens_map.json";

  /** An adapter (LoRA and others) to add to the checkpoint, which is refused. */
  public static final String ADAPTER = "adapter_config.json";

  /** The modules of a sentence-transformers model. */
  public static final String MODULES = "modules.json";

  /**
   * sentence-transformers' limit on a text's tokens: the names it has had, the first found wins.
   */
  public static final List<String> SENTENCE_CONFIGS =
      List.of(
          "sentence_bert_config.json",
          "sentence_roberta_config.json",
          "sentence_distilbert_config.json",
          "sentence_camembert_config.json",
          "sentence_albert_config.json",
          "sentence_xlm-roberta_config.json",
          "sentence_xlnet_config.json");

  /** sentence-transformers' prompts. */
  public static final String PROMPTS = "config_sentence_transformers.json";

  /** The model's page, in which its authors may have put figures to check it by. */
  public static final String README = "README.md";

  /** Luciole's own description of what the other files leave open. */
  public static final String LUCIOLE = "luciole.json";

  /** BGE-M3's head for token weights. */
  public static final String SPARSE_HEAD = "sparse_linear.pt";

  /** BGE-M3's head for token vectors. */
  public static final String COLBERT_HEAD = "colbert_linear.pt";

  /** A checkpoint's file, or the index of its shards, in the order of preference. */
  public static final List<String> WEIGHTS =
      List.of(
          "model.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "pytorch_model.bin.index.json");

  /** The ONNX files that are found without being named, in the order of preference. */
  public static final List<String> ONNX =
      List.of(
          "model.onnx",
          "onnx/model.onnx",
          "model_quantized.onnx",
          "onnx/model_fp16.onnx",
          "onnx/model_quantized.onnx");

  private static final String INDEX = ".index.json";

  /** The files that describe a model, and its heads: all but the weights. */
  private static final Set<String> DESCRIPTIONS =
      Set.of(
          TOKENIZER,
          CONFIG,
          ADAPTER,
          TOKENIZER_CONFIG,
          SPECIAL_TOKENS,
          MODULES,
          PROMPTS,
          LUCIOLE,
          SPARSE_HEAD,
          COLBERT_HEAD);

  /** The files of sentence-transformers' modules behind the transformer, each in its folder. */
  private static final Pattern MODULE =
      Pattern.compile(
          "\\d+_(?!Transformer)\\w+/(config\\.json|model\\.safetensors|pytorch_model\\.bin)");

  private ModelFileNames() {}

  /** Whether a file describes a model or is one of its heads, which stand beside the weights. */
  public static boolean isBesideWeights(String path) {
    return DESCRIPTIONS.contains(path)
        || SENTENCE_CONFIGS.contains(path)
        || MODULE.matcher(path).matches();
  }

  /** The preferred form of the weights among the files that exist. */
  public static Optional<String> weights(Predicate<String> exists) {
    return WEIGHTS.stream().filter(exists).findFirst();
  }

  /** The ONNX file that is used without being named, among the files that exist. */
  public static Optional<String> onnx(Predicate<String> exists) {
    return ONNX.stream().filter(exists).findFirst();
  }

  /** Whether a file of weights is an index, whose content names the shards. */
  public static boolean isIndex(String path) {
    return path.endsWith(INDEX);
  }

  /**
   * The names that the shards of an index have, as {@code model-00001-of-00002.safetensors} beside
   * {@code model.safetensors.index.json}.
   */
  public static Pattern shards(String index) {
    String whole = index.substring(0, index.length() - INDEX.length());
    int dot = whole.lastIndexOf('.');
    return Pattern.compile(
        Pattern.quote(whole.substring(0, dot))
            + "-\\d+-of-\\d+"
            + Pattern.quote(whole.substring(dot)));
  }
}
