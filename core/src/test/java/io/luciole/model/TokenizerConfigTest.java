package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Settings beside {@code tokenizer.json} that say the same, and those that say otherwise. */
class TokenizerConfigTest {
  private static final String UNCASED =
      "\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true,\"strip_accents\":null,"
          + "\"handle_chinese_chars\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}";
  private static final String CASED = UNCASED.replace("\"lowercase\":true", "\"lowercase\":false");
  private static final String BYTES =
      "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
          + "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}]}";

  @TempDir Path folder;

  private TokenizerConfig config(String tokenizer, String settings) throws IOException {
    Files.writeString(
        folder.resolve("tokenizer.json"), "{\"added_tokens\":[]," + tokenizer + ",\"model\":{}}");
    Files.writeString(folder.resolve("tokenizer_config.json"), settings);
    return new TokenizerConfig(folder);
  }

  @ParameterizedTest
  @CsvSource({
    "cased, do_lower_case, true",
    "uncased, do_lower_case, false",
    "uncased, strip_accents, false",
    "cased, strip_accents, true",
    "uncased, tokenize_chinese_chars, false",
    "uncased, do_lower_case, \"true\"",
    "uncased, truncation_side, \"left\"",
    "uncased, padding_side, \"middle\"",
    "uncased, padding_side, true",
    "uncased, split_special_tokens, true",
    "uncased, model_input_names, [\"attention_mask\"]",
    "uncased, model_input_names, \"input_ids\"",
    "bytes, add_prefix_space, true"
  })
  void settingThatSaysOtherwise_isRefusedByKey(String tokenizer, String key, String value)
      throws IOException {
    String written =
        switch (tokenizer) {
          case "cased" -> CASED;
          case "uncased" -> UNCASED;
          default -> BYTES;
        };
    TokenizerConfig config =
        config(written, "{\"tokenizer_class\":\"BertTokenizer\",\"" + key + "\":" + value + "}");

    assertThatThrownBy(config::requireAgreement)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining('"' + key + '"')
        .hasMessageContaining("found " + value)
        .hasMessageContaining("tokenizer_config.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"do_lower_case\":true,\"strip_accents\":null,\"tokenize_chinese_chars\":true,"
            + "\"truncation_side\":\"right\",\"tokenizer_class\":\"BertTokenizer\"}",
        "{\"strip_accents\":true,\"add_prefix_space\":true}",
        "{\"padding_side\":\"left\",\"model_input_names\":[\"input_ids\"]}",
        "{\"model_input_names\":[\"input_ids\",\"token_type_ids\",\"attention_mask\"]}",
        "{\"do_lower_case\":false,\"tokenizer_class\":\"PreTrainedTokenizerFast\"}"
      })
  void settingsThatSayTheSameOrNothing_areRead(String settings) throws IOException {
    TokenizerConfig config = config(UNCASED, settings);

    assertThatCode(config::requireAgreement).doesNotThrowAnyException();
  }

  @Test
  void tokenThatTheTokenizerLacks_isRefusedByName() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"added_tokens":[{"id":1,"content":"[CLS]","special":true}],
         "model":{"vocab":{"a":0,"[CLS]":1,"[SEP]":2}}}\
        """);
    String settings = "{\"added_tokens_decoder\":{\"1\":{\"content\":\"[CLS]\"},\"2\":%s}}";
    Path file = folder.resolve("tokenizer_config.json");
    Files.writeString(file, settings.formatted("{\"content\":\"[SEP]\"}"));
    assertThatCode(new TokenizerConfig(folder)::requireAgreement).doesNotThrowAnyException();
    Files.writeString(
        file, settings.formatted("{\"content\":\"[SEP]\"},\"3\":{\"content\":\"[MINE]\"}"));
    assertThatThrownBy(new TokenizerConfig(folder)::requireAgreement)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("\"[MINE]\" with the id 3")
        .hasMessageContaining("added_tokens_decoder");
  }

  @Test
  void olderNameOfTheLimit_holdsWhereTheNewerIsMissing() throws IOException {
    assertThat(config(UNCASED, "{\"max_len\":24}").maxTokens()).hasValue(24);
    assertThat(config(UNCASED, "{\"max_len\":24,\"model_max_length\":32}").maxTokens())
        .hasValue(32);
  }

  @Test
  void lowerCaseOverAnotherNormalizer_saysNothing() throws IOException {
    TokenizerConfig config =
        config("\"normalizer\":{\"type\":\"NFKC\"}", "{\"do_lower_case\":true}");

    assertThatCode(config::requireAgreement).doesNotThrowAnyException();
  }

  @Test
  void limitOfAnotherType_isRefused() throws IOException {
    TokenizerConfig config = config(UNCASED, "{\"model_max_length\":\"8\"}");

    assertThatThrownBy(config::maxTokens).hasMessageContaining("\"model_max_length\"");
  }

  @Test
  void limitOfManyZeros_isNone() throws IOException {
    assertThat(
            config(UNCASED, "{\"model_max_length\":1000000000000000019884624838656}").maxTokens())
        .isEmpty();
  }
}
