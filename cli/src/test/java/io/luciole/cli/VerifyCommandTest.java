package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** mini-m3, whose reference figures play its authors' part. */
class VerifyCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;
  private Path model;
  private Path figures;

  @BeforeEach
  void modelAndFigures() throws IOException {
    model = Models.copyOfMiniM3(folder.resolve("mini-m3"));
    figures = folder.resolve("figures.json");
    JSON.writeValue(figures.toFile(), figures());
  }

  /** The pair q-en and d-en of the reference implementation's scores, in fp32 to six places. */
  private ObjectNode figures() throws IOException {
    Map<String, String> texts = new HashMap<>();
    for (String line : Files.readAllLines(model.resolve("expected.jsonl"))) {
      JsonNode node = JSON.readTree(line);
      texts.put(node.path("id").asText(), node.path("text").asText());
    }
    ObjectNode figures = JSON.createObjectNode();
    figures.put("model", "mini-m3").put("source", "the reference implementation");
    figures.put("tolerance", 1e-4);
    figures.putObject("weights").put("dense", 0.4).put("sparse", 0.2).put("colbert", 0.4);
    figures.putArray("queries").add(texts.get("q-en"));
    figures.putArray("passages").add(texts.get("d-en"));
    ObjectNode scores = figures.putObject("scores");
    JSON.readTree(model.resolve("expected_scores.json").toFile())
        .path("scores")
        .properties()
        .forEach(entry -> {
          ArrayNode row = scores.putArray(entry.getKey()).addArray();
          row.add(entry.getValue().get(0));
        });
    return figures;
  }

  private Run verify(Object... more) {
    Object[] arguments = new Object[more.length + 3];
    arguments[0] = "verify";
    arguments[1] = "--model";
    arguments[2] = model;
    System.arraycopy(more, 0, arguments, 3, more.length);
    return Cli.run(arguments);
  }

  @Test
  void rightModel_isGreenAgainstTheFiguresAndItself() {
    Run run = verify("--figures", figures);

    assertThat(run.status()).as(run.out() + run.err()).isZero();
    assertThat(run.out())
        .contains("mini-m3: the reference implementation")
        .contains("ok    colbert+sparse+dense, query 1 and passage 1")
        .contains("ok    alone and in a batch: least cosine of tokens")
        .endsWith("figures agree.\n")
        .doesNotContain("FAIL");
  }

  @Test
  void oneWeightFlipped_isRed() throws IOException {
    // The sign of one weight of the sparse head, the last of its file.
    Path head = model.resolve("model.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(head.toFile(), "rw")) {
      long header = Long.reverseBytes(file.readLong());
      JsonNode tensors;
      byte[] bytes = new byte[(int) header];
      file.readFully(bytes);
      tensors = JSON.readTree(bytes);
      JsonNode norm =
          tensors.properties().stream()
              .filter(entry -> entry.getKey().endsWith("layer.0.output.LayerNorm.weight"))
              .findFirst()
              .orElseThrow()
              .getValue();
      long at = 8 + header + norm.path("data_offsets").get(0).asLong();
      file.seek(at + 3);
      int high = file.read();
      file.seek(at + 3);
      file.write(high ^ 0x80);
    }

    Run run = verify("--figures", figures);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out()).contains("  FAIL  dense, query 1 and passage 1");
  }

  @Test
  void modelWithoutFigures_isHeldAgainstItselfAndSaysSo() {
    Run run = Cli.run("verify", "--model", "starter");

    assertThat(run.status()).as(run.out() + run.err()).isZero();
    assertThat(run.out()).contains("No figures of others").contains("alone and in a batch");
  }

  @Test
  void figuresOfAnotherForm_areRefusedWithTheField() throws IOException {
    Files.writeString(figures, "{\"model\":\"m\",\"sauce\":\"x\"}");

    Run run = verify("--figures", figures);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err()).contains("docs/verify.md").contains("source");
  }

  /** In words of its own: nothing of the parser's classes and settings. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"model\": 1, \"model\": 2}  | the field \"model\" stands twice in one object (line 1, column",
        "{\"model\": \"m\"             | it ends before its last bracket or quotation mark is closed (line 1,",
        "{\"model\": \"m\"}            | no \"source\" (line 1, column",
        "{\"queries\": \"x\"}          | something else than a list as \"queries\" (line 1, column",
        "{\"queries\": [{}]}          | something else than a string as \"queries/0\"",
        "{\"scores\": {\"dense\": [[\"x\"]]}} | something else than a number as \"scores/dense/0/0\"",
        "{\"tolerance\": null}        | something else than a number as \"tolerance\"",
        "{\"weights\": []}            | something else than an object as \"weights\"",
        "[]                           | something else than an object (line 1, column",
        "{\"tolerance\": NaN}         | Non-standard token 'NaN' (line 1, column",
      })
  void figuresOfAnotherForm_areToldInPlainWords(String content, String message) throws IOException {
    Files.writeString(figures, content);

    Run run = verify("--figures", figures);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .contains("docs/verify.md", figures + ", found: " + message)
        .doesNotContain("Internal", "Source", "Feature", "deserialize", "java.");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                          | null",
        "queries                     | null among queries",
        "passages                    | no passages",
        "scores                      | null as model",
        "scores/dense                | scores of dense that are not a row for each of 1 queries",
        "scores/dense/0              | scores of dense",
        "scores/dense/0/0            | scores of dense",
        "scores/cosine               | \"cosine\"",
        "weights                     | null as model",
        "sauce                       | the unknown field \"sauce\" (line 1, column",
        "tolerance                   | tolerance",
        "tokens                      | tokens that are not an object"
      })
  void malformedFigures_areRefusedWithTheFileAndWhatIsWrong(String where, String message)
      throws IOException {
    ObjectNode wrong = figures();
    switch (where) {
      case "queries" -> wrong.putArray("queries").addNull();
      case "passages" -> wrong.putArray("passages");
      case "scores/dense" -> ((ObjectNode) wrong.path("scores")).putArray("dense");
      case "scores/dense/0" -> ((ObjectNode) wrong.path("scores")).putArray("dense").addNull();
      case "scores/dense/0/0" ->
          ((ObjectNode) wrong.path("scores")).putArray("dense").addArray().addNull();
      case "scores/cosine" ->
          ((ObjectNode) wrong.path("scores")).putArray("cosine").addArray().add(1);
      case "tolerance" -> wrong.put("tolerance", -1);
      case "tokens" -> wrong.putArray("tokens").addNull().addNull();
      default -> wrong.putNull(where);
    }
    Files.writeString(figures, where.isEmpty() ? "null" : wrong.toString());

    Run run = verify("--figures", figures);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err())
        .contains("docs/verify.md", figures.toString(), message)
        .doesNotContain("Internal error");
  }

  @Test
  void exportBesideNothing_isNotComparedWithItself() throws IOException {
    Path folder = Models.export(this.folder.resolve("export"));

    Run run = Cli.run("verify", "--model", folder);

    assertThat(run.status()).as(run.out() + run.err()).isZero();
    assertThat(run.out()).contains("not compared: the model is an export").doesNotContain("fp32: ");
  }

  @Test
  void reranker_isHeldAgainstFiguresAndItself_andAnotherIsRed() throws IOException {
    Path reranker = Models.reranker(folder.resolve("reranker"));
    ObjectNode pairs = JSON.createObjectNode();
    pairs.put("model", "tiny").put("source", "Transformers").put("tolerance", 1e-4);
    ArrayNode all = pairs.putArray("pairs");
    for (String line : Files.readAllLines(Models.RERANKER.resolve("ranking.jsonl"))) {
      JsonNode pair = JSON.readTree(line);
      all.addObject()
          .put("query", pair.path("query").asText())
          .put("passage", pair.path("passage").asText())
          .put("score", pair.path("score").asDouble());
    }
    JSON.writeValue(figures.toFile(), pairs);

    Run run = Cli.run("verify", "--model", reranker, "--figures", figures);

    assertThat(run.status()).as(run.out() + run.err()).isZero();
    assertThat(run.out())
        .contains("Verifying the reranker reranker", "ok    score of pair 12")
        .contains("ok    alone and in a batch: scores apart");
    ((ObjectNode) all.get(0)).put("score", 0.5);
    JSON.writeValue(figures.toFile(), pairs);
    Run red = Cli.run("verify", "--model", reranker, "--figures", figures);
    assertThat(red.status()).isEqualTo(1);
    assertThat(red.out()).contains("FAIL  score of pair 1");
    assertThat(Figures.of("BAAI/bge-reranker-v2-m3", PairFigures.class).orElseThrow().pairs())
        .hasSize(3);
  }

  @Test
  void rerankerWithAReadme_isHeldAgainstItsExample() throws IOException {
    Path reranker = Models.reranker(folder.resolve("reranker"));
    List<String> pairs = new ArrayList<>();
    List<Double> scores = new ArrayList<>();
    for (String line : Files.readAllLines(Models.RERANKER.resolve("ranking.jsonl"))) {
      JsonNode pair = JSON.readTree(line);
      pairs.add("    [" + pair.path("query") + ", " + pair.path("passage") + "],");
      scores.add(pair.path("score").asDouble());
    }
    Path readme = reranker.resolve("README.md");
    String probabilities =
        scores.stream()
            .map(score -> "%.4f".formatted(1 / (1 + Math.exp(-score))))
            .collect(Collectors.joining("\n#  "));
    Files.writeString(readme, example(pairs, probabilities));

    Run run = Cli.run("verify", "--model", reranker);

    assertThat(run.status()).as(run.out() + run.err()).isZero();
    assertThat(run.out())
        .contains("The example in the model's README", "ok    score of pair " + pairs.size());
    // Without an activation, predict gives the scores themselves, which are other figures.
    Path config = reranker.resolve("config.json");
    ObjectNode own = (ObjectNode) JSON.readTree(Files.readString(config));
    own.putObject("sentence_transformers").put("activation_fn", "torch.nn.modules.linear.Identity");
    Files.writeString(config, own.toString());
    assertThat(Cli.run("verify", "--model", reranker).status()).isEqualTo(1);
    Files.writeString(
        readme,
        "scores = reranker.compute_score([%s])\nprint(scores) # %s\n"
            .formatted(String.join("", pairs), scores));
    assertThat(Cli.run("verify", "--model", reranker).status()).isZero();
  }

  private static String example(List<String> pairs, String scores) {
    return """
    # A reranker
    ```python
    # Get scores for pairs of inputs
    pairs = [
    %s
    ]
    scores = model.predict(pairs)
    print(scores)
    # [%s]
    ```
    """
        .formatted(String.join("\n", pairs), scores);
  }

  @Test
  void longTextsInAReadme_areRead() {
    String text = "a long text ".repeat(20_000);
    List<String> pairs = List.of("    ['%s', \"%s\"],\n".formatted(text, text).repeat(50));
    String readme = "sentences = [\n    '%s',\n    '%s',\n]\n".formatted(text, text);

    assertThat(PairsExample.parse(example(pairs, "0.5000 ".repeat(50))).orElseThrow().pairs())
        .hasSize(50);
    assertThat(
            ReadmeExample.parse(
                    readme
                        + "model.similarity(embeddings, embeddings)\n"
                        + "# tensor([[1.0, 0.5], [0.5, 1.0]])")
                .orElseThrow()
                .sentences())
        .containsExactly(text, text);
  }

  @Test
  void figuresOfBgeM3_areWhole() {
    Optional<PublishedFigures> known = Figures.of("BAAI/bge-m3", PublishedFigures.class);

    assertThat(known).isPresent();
    assertThat(known.get().scores()).hasSize(5);
    assertThat(known.get().scores().values())
        .allSatisfy(
            table -> assertThat(table).hasSize(2).allSatisfy(row -> assertThat(row).hasSize(2)));
    assertThat(Figures.of("someone/else", PublishedFigures.class)).isEmpty();
  }

  @Test
  void readmeExample_isReadAsSentenceTransformersWritesIt() {
    Optional<ReadmeExample> example =
        ReadmeExample.parse(
            """
            ```python
            sentences = [
                'The weather is lovely today.',
                "It's so sunny outside!",
                'He said \\'no\\'.',
            ]
            embeddings = model.encode(sentences)
            print(embeddings.shape)
            # [3, 384]

            # Get the similarity scores for the embeddings
            similarities = model.similarity(embeddings, embeddings)
            print(similarities)
            # tensor([[ 1.0000,  0.6660, -0.1046],
            #         [ 0.6660,  1.0000,  0.1411],
            #         [-0.1046,  0.1411,  1.0000]])
            ```
            """);

    assertThat(example).isPresent();
    assertThat(example.get().sentences())
        .isEqualTo(
            List.of("The weather is lovely today.", "It's so sunny outside!", "He said 'no'."));
    assertThat(example.get().cosines().get(2)).containsExactly(-0.1046, 0.1411, 1.0);
    assertThat(ReadmeExample.parse("# A model\nsentences = []")).isEmpty();
  }
}
