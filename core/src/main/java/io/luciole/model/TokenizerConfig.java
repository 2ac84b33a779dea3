package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.internal.ModelFileNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

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

  /** What encoders take; types are those of one text, zeros. */
  private static final Set<String> INPUTS = Set.of("input_ids", "attention_mask", "token_type_ids");

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
    // Transformers takes the older name where the newer one is not there.
    String key = settings.has("model_max_length") ? "model_max_length" : "max_len";
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
    padsLeft();
    requireKnownInputs();
    requireKnownTokens();
    if (!GENERIC.contains(settings.text("tokenizer_class").orElse(""))) {
      requireNormalizer();
    }
    requirePrefixSpace();
  }

  /**
   * Whether texts of a batch are padded on the left. A text's token states do not depend on the
   * side, nor does what is pooled of them: they are those of the text alone.
   */
  boolean padsLeft() {
    String key = "padding_side";
    String side = settings.text(key).orElse("right");
    if (!side.equals("left") && !side.equals("right")) {
      throw settings.wrong(key, "\"left\" or \"right\"");
    }
    return side.equals("left");
  }

  /**
   * Padding is masked whether or not a mask is among the inputs: without one Transformers attends
   * to padding, and a text's vectors depend on its neighbours; alone it gives the same as here.
   */
  private void requireKnownInputs() {
    String key = "model_input_names";
    if (!settings.has(key)) {
      return;
    }
    JsonNode names = settings.json().path(key);
    boolean known = names.isArray();
    boolean hasIds = false;
    for (JsonNode name : names) {
      known = known && INPUTS.contains(name.asText());
      hasIds = hasIds || name.asText().equals("input_ids");
    }
    if (!known || !hasIds) {
      throw settings.wrong(key, "a list of \"input_ids\" and others of " + new TreeSet<>(INPUTS));
    }
  }

  /** Transformers adds tokens that {@code tokenizer.json} lacks, which changes texts' tokens. */
  private void requireKnownTokens() {
    if (settings.flag("split_special_tokens", false)) {
      throw settings.wrong("split_special_tokens", "false");
    }
    String key = "added_tokens_decoder";
    JsonNode written = settings.json().path(key);
    if (written.isEmpty()) {
      return;
    }
    Set<String> added =
        ModelJson.addedTokens(tokenizer).stream()
            .map(ModelJson.AddedToken::content)
            .collect(Collectors.toSet());
    for (Map.Entry<String, JsonNode> token : written.properties()) {
      String content = token.getValue().path("content").asText();
      if (!added.contains(content) && !isInVocabulary(token.getKey())) {
        throw new ModelException(
            "Expected tokens of tokenizer.json for \""
                + key
                + "\", found \""
                + content
                + "\" with the id "
                + token.getKey()
                + " in "
                + settings.file()
                + ". Luciole takes tokenizer.json as it is. Save the tokenizer anew with Transformers,"
                + " which writes both files alike, or remove the token.");
      }
    }
  }

  private boolean isInVocabulary(String id) {
    return id.matches("\\d{1,9}") && Integer.parseInt(id) < VocabularySize.read(tokenizer);
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
