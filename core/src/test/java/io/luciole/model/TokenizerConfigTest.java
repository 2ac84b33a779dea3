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
        "{\"do_lower_case\":false,\"tokenizer_class\":\"PreTrainedTokenizerFast\"}"
      })
  void settingsThatSayTheSameOrNothing_areRead(String settings) throws IOException {
    TokenizerConfig config = config(UNCASED, settings);

    assertThatCode(config::requireAgreement).doesNotThrowAnyException();
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
