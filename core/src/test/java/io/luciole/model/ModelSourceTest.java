package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Role;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelSourceTest {
  @TempDir Path folder;

  @BeforeEach
  void tokenizer() throws IOException {
    write(
        "tokenizer.json",
        """
        {"version":"1.0","added_tokens":[{"id":0,"content":"<s>"},{"id":1,"content":"<pad>"},
         {"id":2,"content":"</s>"},{"id":3,"content":"<unk>"},{"id":9,"content":"<mask>"}],
         "model":{"never":"read"}}
        """);
  }

  private void write(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private ModelFiles resolve() {
    return ModelSource.path(folder).resolve();
  }

  @Test
  void starter_isUnpackedFromTheClassPathAndDescribed() {
    ModelFiles starter = ModelSource.parse("starter").resolve();

    assertThat(starter.onnx()).isRegularFile().hasSize(34_014_426);
    assertThat(starter.tokenizer()).isRegularFile().hasSize(742_067);
    assertThat(starter.description().pooling()).isEqualTo(TokenPooling.of(Pooling.CLS));
    assertThat(starter.description().prompt(Role.QUERY)).startsWith("Represent this sentence");
    assertThat(starter.description().prompt(Role.PASSAGE)).isEmpty();
  }

  @Test
  void starter_isUnpackedAgainIfItsFileIsDamaged() throws IOException {
    ModelFiles starter = ModelSource.parse("starter").resolve();
    byte[] whole = Files.readAllBytes(starter.tokenizer());
    Files.write(starter.tokenizer(), "{}".getBytes(StandardCharsets.UTF_8));

    assertThat(ModelSource.parse("starter").resolve().tokenizer()).hasBinaryContent(whole);
  }

  @Test
  void folderNamedLikeTheAlias_shadowsItOnlyIfItHoldsAModel(@TempDir Path working)
      throws IOException {
    Path own = Files.createDirectory(working.resolve("starter"));
    ModelSource alias = ModelSource.parse("starter");

    assertThat(alias.resolve(working, List.of()).folder()).isNotEqualTo(own);
    assertThatThrownBy(() -> ModelSource.parse("./starter").resolve(working, List.of()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("Expected tokenizer.json");
    assertThatThrownBy(() -> ModelSource.path(own).resolve(working, List.of()))
        .hasMessageContaining("Expected tokenizer.json");

    Files.copy(folder.resolve("tokenizer.json"), own.resolve("tokenizer.json"));
    Files.writeString(own.resolve("model.onnx"), "");
    Files.writeString(own.resolve("luciole.json"), "{\"maxTokens\":64}");

    assertThat(alias.resolve(working, List.of()).folder()).isEqualTo(own);
  }

  @Test
  void file_namedLikeTheAliasDoesNotShadowIt(@TempDir Path working) throws IOException {
    Path file = Files.writeString(working.resolve("starter"), "");

    assertThat(ModelSource.parse("starter").resolve(working, List.of()).folder())
        .isNotEqualTo(file);
  }

  @Test
  void m3Folder_isDescribedFromItsFiles() throws IOException {
    write(
        "config.json",
        """
        {"model_type":"xlm-roberta","hidden_size":96,"max_position_embeddings":1026,"pad_token_id":1}
        """);
    write(
        "tokenizer_config.json",
        """
        {"cls_token":"<s>","eos_token":{"content":"</s>"},"pad_token":"<pad>","unk_token":"<unk>",
         "mask_token":"<mask>","model_max_length":1000000000000000019884624838656}
        """);
    write("pytorch_model.bin", "");
    write("sparse_linear.pt", "");
    write("colbert_linear.pt", "");

    ModelFiles files = resolve();

    assertThat(files.weights()).hasFileName("pytorch_model.bin");
    assertThat(files.sparseHead()).isNotNull();
    ModelDescription description = files.description();
    assertThat(description.maxTokens()).isEqualTo(1024);
    assertThat(description.hiddenSize()).hasValue(96);
    assertThat(description.pooling()).isEqualTo(TokenPooling.of(Pooling.CLS));
    assertThat(description.normalize()).isTrue();
    assertThat(description.unweightedTokens()).containsExactlyInAnyOrder(0, 1, 2, 3);
  }

  /** The files that a checkpoint needs, and no more: FlagEmbedding's tokens have no weights. */
  @Test
  void specialTokens_withoutAFileThatNamesThem_areTheTokenizersOwn() throws IOException {
    write("config.json", "{\"max_position_embeddings\":512}");
    write("model.safetensors", "");
    write(
        "tokenizer.json",
        """
        {"added_tokens":[{"id":0,"content":"<s>","special":true},
         {"id":2,"content":"</s>","special":true},{"id":7,"content":"word","special":false},
         {"id":9,"content":"<mask>","special":true}]}
        """);

    assertThat(resolve().description().unweightedTokens()).containsExactlyInAnyOrder(0, 2);
  }

  @Test
  void sentenceTransformersFolder_isDescribedFromItsModules() throws IOException {
    write("config.json", "{\"model_type\":\"bert\",\"max_position_embeddings\":512}");
    write("sentence_bert_config.json", "{\"max_seq_length\":256}");
    write(
        "modules.json",
        """
        [{"path":"","type":"sentence_transformers.models.Transformer"},
         {"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}]
        """);
    write("1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true}");
    write(
        "config_sentence_transformers.json",
        "{\"prompts\":{\"query\":\"query: \",\"document\":\"passage: \"}}");
    write("model.safetensors", "");

    ModelDescription description = resolve().description();

    assertThat(description.maxTokens()).isEqualTo(256);
    assertThat(description.pooling()).isEqualTo(TokenPooling.of(Pooling.MEAN));
    assertThat(description.normalize()).isFalse();
    assertThat(description.prompt(Role.QUERY)).isEqualTo("query: ");
    assertThat(description.prompt(Role.PASSAGE)).isEqualTo("passage: ");
  }

  @Test
  void ownFile_winsOverTheOthers() throws IOException {
    write("config.json", "{\"model_type\":\"bert\",\"max_position_embeddings\":512}");
    write("model.onnx", "");
    write(
        "luciole.json",
        "{\"pooling\":\"last\",\"normalize\":false,\"maxTokens\":64,\"queryPrompt\":\"? \"}");

    ModelDescription description = resolve().description();

    assertThat(description.pooling()).isEqualTo(TokenPooling.of(Pooling.LAST));
    assertThat(description.normalize()).isFalse();
    assertThat(description.maxTokens()).isEqualTo(64);
    assertThat(description.prompt(Role.QUERY)).isEqualTo("? ");
  }

  @Test
  void ownFile_isRefusedWhereItCannotBe() throws IOException {
    write("config.json", "{\"model_type\":\"bert\",\"max_position_embeddings\":512}");
    write("model.onnx", "");

    write("luciole.json", "{\"poling\":\"cls\"}");
    assertThatThrownBy(this::resolve)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("Unknown key \"poling\"");
    write("luciole.json", "{\"pooling\":\"median\"}");
    assertThatThrownBy(this::resolve).hasMessageContaining("got \"median\"");
    write("luciole.json", "{\"maxTokens\":513}");
    assertThatThrownBy(this::resolve)
        .hasMessageContaining("Expected \"maxTokens\" from 2 to 512, found 513");
    for (String wrong : List.of("[1", "{\"maxTokens\":64} 65", "{\"maxTokens\":64}}")) {
      write("luciole.json", wrong);
      assertThatThrownBy(this::resolve)
          .as(wrong)
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("luciole.json as JSON");
    }
  }

  @Test
  void poolingThatNothingStates_isRefusedWithTheRemedy() throws IOException {
    write("config.json", "{\"model_type\":\"bert\",\"max_position_embeddings\":512}");
    write("model.onnx", "");

    assertThatThrownBy(() -> resolve().description().requirePooling())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("luciole.json");
  }

  @Test
  void severalExports_areRefusedUnlessACheckpointIsThere() throws IOException {
    write("config.json", "{\"model_type\":\"bert\",\"max_position_embeddings\":512}");
    write("small.onnx", "");
    write("large.onnx", "");
    assertThatThrownBy(this::resolve).hasMessageContaining("Name the one to use");

    write("model.safetensors", "");

    assertThat(resolve().weights()).isEqualTo(folder.resolve("model.safetensors"));
    assertThat(resolve().onnx()).isNull();
  }

  @Test
  void onnxFile_findsItsTokenizerAboveIt() throws IOException {
    write("config.json", "{\"model_type\":\"bert\",\"max_position_embeddings\":512}");
    write("onnx/model.onnx", "");

    ModelFiles files = ModelSource.path(folder.resolve("onnx/model.onnx")).resolve();

    assertThat(files.onnx()).isEqualTo(folder.resolve("onnx/model.onnx"));
    assertThat(files.weights()).isNull();
    assertThat(files.tokenizer()).isEqualTo(folder.resolve("tokenizer.json"));
  }

  @Test
  void whatIsNoModel_isRefusedWithWhatWasExpected() throws IOException {
    assertThatThrownBy(this::resolve)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(
            "Expected model.safetensors, pytorch_model.bin, an .onnx file or a TorchScript .pt"
                + " file");
    Files.delete(folder.resolve("tokenizer.json"));
    assertThatThrownBy(this::resolve).hasMessageContaining("Expected tokenizer.json");
    assertThatThrownBy(() -> ModelSource.parse("nothing-like-this").resolve())
        .hasMessageContaining("There is no model \"nothing-like-this\"");
    assertThatThrownBy(() -> ModelSource.parse("no-such-org/no-such-model").resolve())
        .hasMessageContaining("luciole pull no-such-org/no-such-model");
    assertThatThrownBy(() -> ModelSource.parse("no-such-org/no-such-model@v2").resolve())
        .hasMessageContaining("the revision v2 in ")
        .hasMessageContaining("luciole pull no-such-org/no-such-model@v2");
    assertThatThrownBy(() -> ModelSource.parse("  ")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void fingerprint_tellsOtherWeightsAndTokenizersApart() throws IOException {
    write("config.json", "{\"model_type\":\"bert\",\"max_position_embeddings\":512}");
    write("model.safetensors", "one");
    ModelFingerprint one = resolve().fingerprint(8, "fp32");
    write("model.safetensors", "two");
    ModelFingerprint two = resolve().fingerprint(8, "fp32");
    Files.writeString(folder.resolve("tokenizer.json"), " ", StandardOpenOption.APPEND);
    ModelFingerprint three = resolve().fingerprint(8, "fp32");

    assertThat(one.matches(two)).isFalse();
    assertThat(two.matches(three)).isFalse();
    assertThat(one.matches(ModelFingerprint.parse(one.format()))).isTrue();
    assertThat(ModelFingerprint.parse(two.format())).isEqualTo(two);
    assertThatThrownBy(() -> ModelFingerprint.parse("no such thing"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void ownKeys_ofAnotherType_areRefused() throws IOException {
    write("config.json", "{\"max_position_embeddings\":64,\"hidden_size\":16}");
    write("model.safetensors", "");
    for (String wrong :
        List.of(
            "{\"normalize\": \"yes\"}",
            "{\"normalize\": null}",
            "{\"maxTokens\": \"128\"}",
            "{\"maxTokens\": 12.7}",
            "{\"maxTokens\": 4294967328}",
            "{\"pooling\": [\"cls\", \"mean\"]}",
            "{\"pooling\": true}",
            "{\"queryPrompt\": 5}",
            "{\"passagePrompt\": [\"x\"]}")) {
      write("luciole.json", wrong);
      assertThatThrownBy(this::resolve)
          .as(wrong)
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("Expected")
          .hasMessageContaining("found " + wrong.replaceAll("^.*?: |}$| (?=\")", ""))
          .hasMessageContaining("luciole.json");
    }
  }

  @Test
  void tokensPerLetter_areReadAndChecked() throws IOException {
    write("config.json", "{\"max_position_embeddings\":64,\"hidden_size\":16}");
    write("model.safetensors", "");
    assertThat(resolve().description().familiarity()).isNull();

    write("luciole.json", "{\"tokensPerLetter\": {\"known\": 0.3, \"foreign\": 0.5}}");
    assertThat(resolve().description().familiarity()).isEqualTo(new Familiarity(0.3, 0.5));

    for (String wrong :
        List.of(
            "0.3",
            "{}",
            "{\"known\":0.5,\"foreign\":0.5}",
            "{\"known\":0.5,\"f\":1}",
            "{\"known\":\"0.3\",\"foreign\":\"0.5\"}")) {
      write("luciole.json", "{\"tokensPerLetter\": " + wrong + "}");
      assertThatThrownBy(this::resolve)
          .as(wrong)
          .isInstanceOf(ModelException.class)
          .hasMessageContainingAll("tokensPerLetter", wrong, folder.resolve("luciole.json") + "");
    }
  }

  @Test
  void outlierChannels_areReadAndCheckedAgainstTheHiddenSize() throws IOException {
    write("config.json", "{\"max_position_embeddings\":64,\"hidden_size\":16}");
    write("model.safetensors", "");
    assertThat(resolve().description().outlierChannels()).isEmpty();

    write("luciole.json", "{\"outlierChannels\": [15, 0, 3]}");
    assertThat(resolve().description().outlierChannels()).containsExactlyInAnyOrder(0, 3, 15);

    for (String wrong : new String[] {"[16]", "[-1]", "[1.5]", "[\"3\"]", "[null]", "3", "{}"}) {
      write("luciole.json", "{\"outlierChannels\": " + wrong + "}");
      assertThatThrownBy(this::resolve)
          .as(wrong)
          .isInstanceOf(ModelException.class)
          .hasMessageContainingAll("outlierChannels", wrong, folder.resolve("luciole.json") + "");
    }
  }
}
