package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Role;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

  @Test
  void rerankerAsTheReferenceSavesIt_isNoEmbeddingModel_andHasNoPrompts() throws IOException {
    write(
        "modules.json",
        """
        [{"idx":0,"name":"0","path":"",
          "type":"sentence_transformers.base.modules.transformer.Transformer"}]\
        """);
    write(
        "sentence_bert_config.json",
        """
        {"transformer_task":"sequence-classification","module_output_name":"scores",
         "modality_config":{"text":{"method":"forward","method_output_name":"logits"}}}\
        """);
    String settings =
        """
        {"activation_fn":"torch.nn.modules.activation.Sigmoid","default_prompt_name":%s,
         "model_type":"CrossEncoder","prompts":{"query":"query: "}}\
        """;
    write("config_sentence_transformers.json", settings.formatted("null"));

    assertThat(description().prompts()).isEmpty();
    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("found a reranker");
    write("config_sentence_transformers.json", settings.formatted("\"query\""));
    assertThatThrownBy(this::description)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("default_prompt_name")
        .hasMessageContaining("reranker");
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
        "{\"pooling_mode\":\"MEAN\"} | \"MEAN\"",
        "{\"pooling_mode\":\"last\"} | \"last\"",
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config_args | {\"num_hidden_layers\":1}",
        "config_kwargs | {\"num_hidden_layers\":1}",
        "model_args | {\"num_hidden_layers\":1}",
        "tokenizer_args | {\"model_max_length\":6}",
        "processor_kwargs | {\"add_special_tokens\":false}",
        "processing_kwargs | {\"text\":{\"max_length\":6}}",
        "transformer_task | \"fill-mask\"",
        "module_output_name | \"sentence_embedding\"",
        "modality_config | {\"text\":{\"method\":\"forward\",\"method_output_name\":\"logits\"}}",
        "modality_config | {\"message\":{\"method\":\"forward\"}}",
        "max_seq_length | 0",
        "max_seq_length | \"8\"",
        "max_seq_length | 8.7",
        "do_lower_case | \"yes\""
      })
  void limitsThatAreNotApplied_areRefusedByKey(String key, String value) throws IOException {
    write("sentence_bert_config.json", "{\"%s\":%s}".formatted(key, value));

    assertThatThrownBy(this::description)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining('"' + key + '"')
        .hasMessageContaining(value)
        .hasMessageContaining("sentence_bert_config.json");
  }

  @Test
  void limitsAsTheReferenceSavesThem_areRead() throws IOException {
    write(
        "sentence_bert_config.json",
        """
        {"max_seq_length":32,"do_lower_case":null,"transformer_task":"feature-extraction",
         "modality_config":
             {"text":{"method":"forward","method_output_name":"last_hidden_state"}},
         "module_output_name":"token_embeddings","processing_kwargs":{"text":{}},"config_args":{},
         "model_args":{"attn_implementation":"eager","torch_dtype":"float16"}}
        """);

    assertThat(description().maxTokens()).isEqualTo(32);
    assertThat(description().lowerCase()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"8, 20, 20", "20, 8, 8", "8, 4096, 512", "8, null, 8", "1e30, null, 512"})
  void limitOfSentenceTransformers_takesThePlaceOfTheTokenizers(
      String ofTokenizer, String ofSentences, int expected) throws IOException {
    write("tokenizer_config.json", "{\"model_max_length\":" + ofTokenizer + "}");
    write("sentence_bert_config.json", "{\"max_seq_length\":" + ofSentences + "}");

    assertThat(description().maxTokens()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"my_code.Pooling", "custom_st.Transformer", "Pooling"})
  void classOfOnesOwn_isRefusedWhateverItsLastName(String type) throws IOException {
    String replaced = type.substring(type.lastIndexOf('.') + 1);
    write(
        "modules.json",
        MODULES.formatted("").replace("sentence_transformers.models." + replaced, type));

    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining('"' + type + '"')
        .hasMessageContaining("modules.json");
  }

  @Test
  void modulesWithoutAPath_areRefused() throws IOException {
    write("modules.json", MODULES.formatted("").replace("\"1_Pooling\"", "null"));

    assertThatThrownBy(() -> description().requirePooling()).hasMessageContaining("\"path\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"pooling_mode\":[\"mean\",\"mean\"]} | pooling_mode",
        "{\"pooling_mode\":[1]} | pooling_mode",
        "{\"pooling_mode\":\"mean\",\"include_prompt\":\"false\"} | include_prompt",
        "{\"pooling_mode_mean_tokens\":\"false\"} | pooling_mode_mean_tokens"
      })
  void poolingOfAnotherType_isRefusedByKey(String config, String key) throws IOException {
    write("1_Pooling/config.json", config);

    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining('"' + key + '"')
        .hasMessageContaining("1_Pooling");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"truncate_dim\":\"7\"} | truncate_dim",
        "{\"truncate_dim\":0} | truncate_dim",
        "{\"prompts\":{\"query\":5}} | query",
        "{\"prompts\":[\"query: \"]} | prompts",
        "{\"default_prompt_name\":1} | default_prompt_name"
      })
  void promptsOfAnotherType_areRefusedByKey(String config, String key) throws IOException {
    write("config_sentence_transformers.json", config);

    assertThatThrownBy(this::description)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining('"' + key + '"')
        .hasMessageContaining("config_sentence_transformers.json");
  }

  @Test
  void promptOfNull_isNone() throws IOException {
    write(
        "config_sentence_transformers.json", "{\"prompts\":{\"query\":null,\"document\":\"D: \"}}");

    assertThat(description().prompt(Role.QUERY)).isEmpty();
    assertThat(description().prompt(Role.PASSAGE)).isEqualTo("D: ");
  }

  @Test
  void moduleWithoutItsSettings_isToldWithTheFile() throws IOException {
    dense("{}");
    Files.delete(folder.resolve("2_Dense/config.json"));

    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(folder.resolve("2_Dense/config.json").toString())
        .hasMessageContaining("no such file");
  }

  @Test
  void denseWithoutAnActivation_isRefused() throws IOException {
    dense("{\"in_features\":1,\"out_features\":1,\"activation_function\":null}");

    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("\"activation_function\"");
  }

  @ParameterizedTest
  @CsvSource({"true, gate.weight", "false, linear.bias"})
  void denseWithATensorThatIsNotUsed_isRefused(boolean bias, String unused) throws IOException {
    dense("{\"in_features\":1,\"out_features\":1,\"bias\":" + bias + "}");
    tensors("linear.weight", "linear.bias", bias ? "gate.weight" : "");

    assertThatThrownBy(() -> description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("[" + unused + "]")
        .hasMessageContaining("2_Dense");
  }

  @Test
  void denseOfAnotherSize_isToldWithItsFolder() throws IOException {
    dense("{\"in_features\":1,\"out_features\":1,\"bias\":false}");
    tensors("linear.weight");

    assertThatThrownBy(() -> description().dense().outputs(16))
        .hasMessageContaining("Expected vectors of 1 components for the module Dense")
        .hasMessageContaining(folder.resolve("2_Dense").toString());
  }

  @Test
  void moreDimensionsThanThereAre_areToldWithTheirFile() throws IOException {
    write("config_sentence_transformers.json", "{\"truncate_dim\":700}");

    assertThatThrownBy(() -> description().dense().outputs(16))
        .hasMessageContaining("found 700")
        .hasMessageContaining("config_sentence_transformers.json");
  }

  @Test
  void adapterBesideACheckpoint_isRefused() throws IOException {
    write("adapter_config.json", "{\"peft_type\":\"LORA\"}");

    assertThatThrownBy(this::description)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("adapter_config.json");
  }

  @Test
  void modelThatNothingSaysThePoolingOf_isToldAllNames() throws IOException {
    Files.delete(folder.resolve("modules.json"));

    assertThatThrownBy(() -> description().requirePooling())
        .hasMessageContaining("cls, mean, lasttoken, max, weightedmean, mean_sqrt_len_tokens");
  }

  private void dense(String config) throws IOException {
    write("2_Dense/config.json", config);
    write(
        "modules.json",
        MODULES.formatted(
            ",{\"idx\":2,\"name\":\"2\",\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Dense\"}"));
  }

  /** Writes tensors of one value: of shape [1, 1] if they are weights, or else [1]. */
  private void tensors(String... names) throws IOException {
    List<String> header = new ArrayList<>();
    int end = 0;
    for (String name : names) {
      if (!name.isEmpty()) {
        header.add(
            "\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                .formatted(name, name.endsWith("weight") ? "1,1" : "1", end, end + Float.BYTES));
        end += Float.BYTES;
      }
    }
    byte[] json = ("{" + String.join(",", header) + "}").getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(Long.BYTES + json.length + end).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(json.length).put(json);
    Files.write(folder.resolve("2_Dense/model.safetensors"), file.array());
  }
}
