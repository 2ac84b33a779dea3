package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the files of sentence-transformers say, and what of it is refused. */
class SentenceTransformersTest {
  private static final String MODULES =
      """
      [{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
       {"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"}
       %s]
      """;

  @TempDir Path folder;

  @BeforeEach
  void model() throws IOException {
    write("tokenizer.json", "{\"added_tokens\":[]}");
    write("config.json", "{\"hidden_size\":64,\"max_position_embeddings\":512}");
    write("model.safetensors", "");
    write("modules.json", MODULES.formatted(""));
    write("1_Pooling/config.json", "{\"pooling_mode\":\"mean\"}");
  }

  private void write(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private ModelDescription description() {
    return ModelSource.path(folder).resolve().description();
  }

  @ParameterizedTest
  @CsvSource({
    "sentence_transformers.models.LSTM, 2_LSTM",
    "sentence_transformers.sentence_transformer.modules.word_weights.WordWeights, 2_WordWeights",
    "custom_st.MyPooling, 2_MyPooling",
    "sentence_transformers.models.WeightedLayerPooling, 2_WeightedLayerPooling"
  })
  void moduleThatIsNotApplied_isRefusedByName(String type, String path) throws IOException {
    write(
        "modules.json",
        MODULES.formatted(
            ",{\"idx\":2,\"name\":\"2\",\"path\":\"" + path + "\",\"type\":\"" + type + "\"}"));

    // An export that gives whole vectors has applied it, so the refusal waits for the states' use.
    assertThat(description().pooling()).isNull();
    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("found " + type.substring(type.lastIndexOf('.') + 1))
        .hasMessageContaining(path)
        .hasMessageContaining("modules.json");
  }

  @Test
  void moduleThatIsNotApplied_isRefusedWhateverPoolingIsWritten() throws IOException {
    moduleThatIsNotApplied_isRefusedByName("sentence_transformers.models.LSTM", "2_LSTM");
    write("luciole.json", "{\"pooling\":\"cls\"}");

    assertThatThrownBy(() -> description().requirePooling()).hasMessageContaining("LSTM");
  }

  @Test
  void dropoutAndNormalize_areKnown() throws IOException {
    write(
        "modules.json",
        MODULES.formatted(
            """
            ,{"idx":2,"name":"2","path":"2_Dropout","type":"sentence_transformers.models.Dropout"}
            ,{"idx":3,"name":"3","path":"3_Normalize","type":"sentence_transformers.models.Normalize"}
            """));

    assertThat(description().requirePooling()).isEqualTo(Pooling.MEAN);
    assertThat(description().normalize()).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"pooling_mode\":\"cls\"} | CLS",
        "{\"pooling_mode\":[\"mean\"]} | MEAN",
        "{\"pooling_mode\":\"lasttoken\"} | LAST",
        "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false} | CLS",
        "{\"pooling_mode_mean_tokens\":true,\"include_prompt\":true} | MEAN",
        "{\"pooling_mode_lasttoken\":true} | LAST"
      })
  void pooling_isReadInAllForms(String config, Pooling expected) throws IOException {
    write("1_Pooling/config.json", config);

    assertThat(description().requirePooling()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true} | cls,mean",
        "{\"pooling_mode\":[\"mean\",\"cls\"]} | mean,cls",
        "{\"pooling_mode_lasttoken\":true,\"pooling_mode_max_tokens\":true} | max,lasttoken",
        "{\"pooling_mode_mean_sqrt_len_tokens\":true} | mean_sqrt_len_tokens",
        "{\"pooling_mode\":\"weightedmean\"} | weightedmean",
        "{\"pooling_mode\":\"mean\",\"include_prompt\":false} | mean-prompt"
      })
  void poolingOfTheEngine_leavesStatesToIt(String config, String expected) throws IOException {
    write("1_Pooling/config.json", config);

    assertThat(description().pooling()).hasToString(expected);
    assertThat(description().requirePooling()).isEqualTo(Pooling.NONE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | at least one pooling",
        "{\"pooling_mode\":\"attention\"} | attention",
        "{\"pooling_mode\":\"mean\",\"temperature\":2} | temperature"
      })
  void poolingThatIsNotApplied_isRefusedWithTheFile(String config, String named)
      throws IOException {
    write("1_Pooling/config.json", config);

    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(named)
        .hasMessageContaining("1_Pooling");
  }

  @Test
  void pooling_isThatOfLuciolesFile() throws IOException {
    write("1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true,\"include_prompt\":false}");
    write("luciole.json", "{\"pooling\":\"mean\"}");

    assertThat(description().requirePooling()).isEqualTo(Pooling.MEAN);
    assertThat(description().dense().isChosen()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sentence_bert_config.json",
        "sentence_roberta_config.json",
        "sentence_xlm-roberta_config.json",
        "sentence_xlnet_config.json"
      })
  void limitAndLowerCase_areReadUnderAllNames(String name) throws IOException {
    write(name, "{\"max_seq_length\":32,\"do_lower_case\":true}");

    assertThat(description().maxTokens()).isEqualTo(32);
    assertThat(description().lowerCase()).isTrue();
  }

  @Test
  void limits_withAnUnknownKey_areRefused() throws IOException {
    write("sentence_bert_config.json", "{\"max_seq_length\":32,\"query_expansion\":{\"n\":3}}");

    assertThatThrownBy(this::description)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("query_expansion")
        .hasMessageContaining("sentence_bert_config.json");
  }

  @Test
  void defaultPrompt_holdsForRolesWithoutTheirOwn() throws IOException {
    write(
        "config_sentence_transformers.json",
        "{\"prompts\":{\"query\":\"Q: \",\"sts\":\"S: \"},\"default_prompt_name\":\"sts\"}");

    assertThat(description().prompt(Role.QUERY)).isEqualTo("Q: ");
    assertThat(description().prompt(Role.PASSAGE)).isEqualTo("S: ");
    write("luciole.json", "{\"passagePrompt\":\"\"}");
    assertThat(description().prompt(Role.PASSAGE)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"bert, 0, 514", "mpnet, 1, 512", "camembert, 1, 512", "xlm-roberta, 3, 510"})
  void positionsBehindThePadding_countAgainstTheLimit(String type, int padding, int expected)
      throws IOException {
    write(
        "config.json",
        "{\"model_type\":\"%s\",\"pad_token_id\":%d,\"max_position_embeddings\":514}"
            .formatted(type, padding));

    assertThat(description().maxTokens()).isEqualTo(expected);
  }

  @Test
  void checkpointThatCannotBeComputed_leavesItsPlaceToTheExport() throws IOException {
    write("config.json", "{\"model_type\":\"modernbert\",\"max_position_embeddings\":512}");
    assertThat(ModelSource.path(folder).resolve().weights()).isNotNull();

    write("onnx/model.onnx", "");
    ModelFiles files = ModelSource.path(folder).resolve();
    assertThat(files.weights()).isNull();
    assertThat(files.onnx()).isEqualTo(folder.resolve("onnx/model.onnx"));
  }

  @Test
  void lowerCase_isByCodePoint() {
    assertThat(TextTokenizer.lowerCase("ΟΔΟΣ Straße Ǆ 𐐀")).isEqualTo("οδοσ straße ǆ 𐐨");
  }
}
