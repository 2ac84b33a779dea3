package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.internal.ModelFileNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * What Transformers says of a tokenizer beside {@code tokenizer.json}. Its classes for BERT and
 * RoBERTa change the tokenizer of that file by some of these settings. Luciole runs the tokenizer
 * as its own file has it, so a setting that says otherwise is refused; one that is absent says
 * nothing.
 */
final class TokenizerConfig {
  private static final Set<String> MASKS = Set.of("<mask>", "[MASK]");

  /** Classes that take the normaliser as tokenizer.json has it, whatever the settings say. */
  private static final Set<String> GENERIC =
      Set.of("PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend");

  /** Tokenizer files write 1e30 for no limit. */
  private static final int NO_LIMIT = 1 << 20;

  private final Path folder;
  private final Path tokenizer;
  private final SettingsFile settings;

  /** Reads the settings of a folder, which may have none. */
  TokenizerConfig(Path folder) {
    this.folder = folder;
    this.tokenizer = folder.resolve(ModelFileNames.TOKENIZER);
    this.settings = SettingsFile.readIfPresent(folder.resolve(ModelFileNames.TOKENIZER_CONFIG));
  }

  /** The limit on a text's tokens; empty if there is none. */
  OptionalInt maxTokens() {
    String key = "model_max_length";
    JsonNode written = settings.json().path(key);
    if (settings.has(key) && !(written.isNumber() && written.asDouble() >= 1)) {
      throw settings.wrong(key, "a number of at least 1");
    }
    double limit = written.asDouble(NO_LIMIT);
    return limit < NO_LIMIT ? OptionalInt.of((int) limit) : OptionalInt.empty();
  }

  /**
   * Checks that the settings and {@code tokenizer.json} say the same.
   *
   * @throws ModelException if a setting says otherwise
   */
  void requireAgreement() {
    if (!settings.text("truncation_side").orElse("right").equals("right")) {
      throw settings.wrong(
          "truncation_side", "\"right\", since a long text keeps its first tokens,");
    }
    if (!GENERIC.contains(settings.text("tokenizer_class").orElse(""))) {
      requireNormalizer();
    }
    requirePrefixSpace();
  }

  /** BERT's normaliser: accents are stripped where text is put into lower case, or as it says. */
  private void requireNormalizer() {
    List<String> keys = List.of("do_lower_case", "strip_accents", "tokenize_chinese_chars");
    if (keys.stream().noneMatch(settings::has)) {
      return;
    }
    JsonNode normalizer = ModelJson.part(tokenizer, "normalizer");
    if (!normalizer.path("type").asText().equals("BertNormalizer")) {
      return;
    }
    boolean lowerCase = normalizer.path("lowercase").asBoolean();
    requireEqual("do_lower_case", lowerCase);
    requireEqual("strip_accents", normalizer.path("strip_accents").asBoolean(lowerCase));
    requireEqual("tokenize_chinese_chars", normalizer.path("handle_chinese_chars").asBoolean());
  }

  private void requirePrefixSpace() {
    String key = "add_prefix_space";
    if (!settings.has(key)) {
      return;
    }
    JsonNode whole = ModelJson.part(tokenizer, "pre_tokenizer");
    JsonNode steps = whole.path("pretokenizers");
    for (JsonNode step : steps.isArray() ? steps : List.of(whole)) {
      if (step.path("type").asText().equals("ByteLevel")) {
        requireEqual(key, step.path(key).asBoolean());
        return;
      }
    }
  }

  private void requireEqual(String key, boolean done) {
    if (settings.flag(key, done) != done) {
      throw new ModelException(
          settings.wrong(key, done + ", as tokenizer.json has it,").getMessage()
              + " Luciole takes tokenizer.json as it is. Save the tokenizer anew with Transformers,"
              + " which writes both files alike, or remove the key if tokenizer.json is right.");
    }
  }

  /**
   * As FlagEmbedding has it: the ids of the tokenizer's cls, eos, pad and unk tokens. Where no file
   * beside {@code tokenizer.json} names these, they are its special tokens without the mask.
   */
  Set<Integer> unweightedTokens() {
    if (!Files.isRegularFile(tokenizer)) {
      return Set.of();
    }
    JsonNode names = settings.json();
    JsonNode map = ModelJson.readIfPresent(folder.resolve(ModelFileNames.SPECIAL_TOKENS));
    Set<String> contents = new TreeSet<>();
    for (String kind : List.of("cls_token", "eos_token", "pad_token", "unk_token")) {
      JsonNode token = names.hasNonNull(kind) ? names.path(kind) : map.path(kind);
      contents.add(token.isObject() ? token.path("content").asText() : token.asText());
    }
    contents.remove("");
    Set<Integer> unweighted = new TreeSet<>();
    for (ModelJson.AddedToken token : ModelJson.addedTokens(tokenizer)) {
      boolean meant =
          contents.isEmpty()
              ? token.special() && !MASKS.contains(token.content())
              : contents.contains(token.content());
      if (meant && token.id() >= 0) {
        unweighted.add(token.id());
      }
    }
    return unweighted;
  }
}
