package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.Scores;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the embedding APIs answer, against what the library gives. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EmbeddingApisTest {
  private static final String TEXT = "Fireflies find each other in the dark.";
  private static final String OTHER = "Un héron gris, 大阪, 🐝.";

  @TempDir static Path folder;
  private Server starter;
  private Server fake;

  @BeforeAll
  void open() {
    starter =
        Server.starter(c -> c.compatibility(new ServerConfig.Compatibility(false, true, false)));
    fake =
        Server.fake(
            new FakeBackend(),
            folder,
            c -> c.compatibility(new ServerConfig.Compatibility(false, true, false)));
  }

  @AfterAll
  void close() {
    starter.close();
    fake.close();
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) array.get(i).doubleValue();
    }
    return values;
  }

  /** How near sentences are to {@code TEXT}; {@code more} follows the inputs. */
  private JsonNode similarity(String more, String... sentences) throws IOException {
    String quoted = Arrays.stream(sentences).map(Server::quoted).collect(Collectors.joining(","));
    return starter
        .post(
            "/similarity",
            "{\"inputs\":{\"source_sentence\":"
                + Server.quoted(TEXT)
                + ",\"sentences\":["
                + quoted
                + "]}"
                + more
                + "}")
        .json();
  }

  private float[] dense(String text, EmbedOptions options) {
    return starter.engine.embed(text, options).join().dense();
  }

  /** Of one text alone and among others: sums in another order, magnified where bytes round. */
  private static void assertAlike(float[] found, float[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    double cosine = 0;
    for (int i = 0; i < found.length; i++) {
      cosine += (double) found[i] * expected[i];
    }
    assertThat(cosine).isCloseTo(1, within(1e-4));
  }

  @Test
  void openAi_oneTextAndSeveral_giveTheLibrarysVectors() throws IOException {
    JsonNode one =
        starter
            .post("/v1/embeddings", "{\"model\":\"starter\",\"input\":" + Server.quoted(TEXT) + "}")
            .json();
    assertThat(one.path("object").asText()).isEqualTo("list");
    assertThat(one.path("model").asText()).isEqualTo("starter");
    assertThat(floats(one.at("/data/0/embedding"))).isEqualTo(dense(TEXT, EmbedOptions.passage()));
    int tokens = starter.engine.tokenize(TEXT, Role.PASSAGE).length();
    assertThat(one.at("/usage/prompt_tokens").asInt()).isEqualTo(tokens);
    assertThat(one.at("/usage/total_tokens").asInt()).isEqualTo(tokens);

    JsonNode two =
        starter
            .post(
                "/v1/embeddings",
                "{\"input_type\":\"query\",\"input\":["
                    + Server.quoted(OTHER)
                    + ","
                    + Server.quoted(TEXT)
                    + "]}")
            .json();
    assertAlike(floats(two.at("/data/0/embedding")), dense(OTHER, EmbedOptions.query()));
    assertAlike(floats(two.at("/data/1/embedding")), dense(TEXT, EmbedOptions.query()));
    assertThat(two.at("/data/1/index").asInt()).isEqualTo(1);
  }

  @Test
  void openAi_base64_isTheSameVectorBitByBit() throws IOException {
    JsonNode answer =
        starter
            .post(
                "/v1/embeddings",
                "{\"encoding_format\":\"base64\",\"input\":" + Server.quoted(TEXT) + "}")
            .json();
    byte[] bytes = Base64.getDecoder().decode(answer.at("/data/0/embedding").asText());
    float[] values = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    assertThat(values).isEqualTo(dense(TEXT, EmbedOptions.passage()));
  }

  @Test
  void openAi_dimensions_areTheFirstComponentsAtLengthOne() throws IOException {
    JsonNode answer =
        starter
            .post("/v1/embeddings", "{\"dimensions\":64,\"input\":" + Server.quoted(TEXT) + "}")
            .json();
    float[] shortened = floats(answer.at("/data/0/embedding"));
    float[] head = Arrays.copyOf(dense(TEXT, EmbedOptions.passage()), 64);
    double length = 0;
    double dot = 0;
    double headLength = 0;
    for (int i = 0; i < 64; i++) {
      length += shortened[i] * shortened[i];
      headLength += head[i] * head[i];
      dot += shortened[i] * head[i];
    }
    assertThat(shortened).hasSize(64);
    assertThat(length).isCloseTo(1, within(1e-5));
    assertThat(dot).isCloseTo(Math.sqrt(headLength), within(1e-5));
  }

  @Test
  void openAi_tokenArrays_areTheTextThatTheyWere() throws IOException {
    int[] ids = starter.engine.tokenize(TEXT, Role.PASSAGE).ids();
    int[] inner = Arrays.copyOfRange(ids, 1, ids.length - 1);
    JsonNode answer =
        starter
            .post(
                "/v1/embeddings",
                "{\"input\":[" + Arrays.toString(ids) + "," + Arrays.toString(inner) + "]}")
            .json();
    float[] expected = dense(TEXT, EmbedOptions.passage());
    assertAlike(floats(answer.at("/data/0/embedding")), expected);
    assertAlike(floats(answer.at("/data/1/embedding")), expected);
    JsonNode single =
        starter.post("/v1/embeddings", "{\"input\":" + Arrays.toString(inner) + "}").json();
    assertAlike(floats(single.at("/data/0/embedding")), expected);

    Server.Answer outside = starter.post("/v1/embeddings", "{\"input\":[[101,99999999,102]]}");
    assertThat(outside.status()).isEqualTo(400);
    assertThat(outside.json().at("/error/message").asText())
        .contains("0 to 30521")
        .contains("99999999");
  }

  @Test
  void openAi_models_areTheOneServed() throws IOException {
    assertThat(starter.get("/v1/models").json().at("/data/0/id").asText()).isEqualTo("starter");
    assertThat(starter.get("/v1/models/starter").json().path("object").asText()).isEqualTo("model");
    assertThat(starter.get("/v1/models/other").status()).isEqualTo(404);
    Server.Answer unknown = starter.post("/v1/embeddings", "{\"model\":\"gpt\",\"input\":\"a\"}");
    assertThat(unknown.status()).isEqualTo(404);
    assertThat(unknown.json().at("/error/code").asText()).isEqualTo("model_not_found");
  }

  @Test
  void tei_embedSimilarityTokenizeInfo() throws IOException {
    JsonNode vectors =
        starter
            .post(
                "/embed",
                "{\"prompt_name\":\"query\",\"inputs\":["
                    + Server.quoted(TEXT)
                    + ","
                    + Server.quoted(OTHER)
                    + "]}")
            .json();
    assertAlike(floats(vectors.get(0)), dense(TEXT, EmbedOptions.query()));
    assertAlike(floats(vectors.get(1)), dense(OTHER, EmbedOptions.query()));

    JsonNode scores = similarity("", OTHER, TEXT);
    List<Embedding> both = starter.engine.embedAll(List.of(TEXT, OTHER), EmbedOptions.passage());
    assertThat((float) scores.get(0).doubleValue())
        .isCloseTo(Scores.dense(both.get(0), both.get(1)), within(1e-3f));
    assertThat(scores.get(1).doubleValue()).isCloseTo(1, within(1e-5));
    JsonNode asQueries = similarity(",\"parameters\":{\"prompt_name\":\"query\"}", OTHER);
    List<Embedding> queries = starter.engine.embedAll(List.of(TEXT, OTHER), EmbedOptions.query());
    assertThat((float) asQueries.get(0).doubleValue())
        .isCloseTo(Scores.dense(queries.get(0), queries.get(1)), within(1e-3f));

    JsonNode tokens =
        starter.post("/tokenize", "{\"inputs\":" + Server.quoted(TEXT) + "}").json().get(0);
    List<Integer> ids = new ArrayList<>();
    tokens.forEach(t -> ids.add(t.path("id").asInt()));
    assertThat(ids.stream().mapToInt(i -> i).toArray())
        .isEqualTo(starter.engine.tokenize(TEXT, Role.PASSAGE).ids());
    assertThat(tokens.get(0).path("special").asBoolean()).isTrue();
    assertThat(tokens.get(1).path("special").asBoolean()).isFalse();

    JsonNode info = starter.get("/info").json();
    assertThat(info.path("model_id").asText()).isEqualTo("starter");
    assertThat(info.path("max_input_length").asInt()).isEqualTo(512);
  }

  @Test
  void tei_tooLongText_isRefusedUnlessTruncationIsAllowed() throws IOException {
    String text = "firefly ".repeat(600);
    Server.Answer refused = starter.post("/embed", "{\"inputs\":" + Server.quoted(text) + "}");
    assertThat(refused.status()).isEqualTo(422);
    assertThat(refused.json().path("error_type").asText()).isEqualTo("validation");
    assertThat(refused.json().path("error").asText()).contains("512").contains("truncate");
    Server.Answer cut =
        starter.post("/embed", "{\"truncate\":true,\"inputs\":" + Server.quoted(text) + "}");
    assertThat(cut.status()).isEqualTo(200);
  }

  @Test
  void m3_allOutputsInOneCall_areTheEngines() throws IOException {
    Server.Answer sent =
        fake.post(
            "/v1/m3/embeddings",
            "{\"input\":[\"w1 w2 w1\"],\"outputs\":[\"dense\",\"sparse\",\"colbert\"],"
                + "\"role\":\"query\"}");
    assertThat(sent.status()).as(sent.body()).isEqualTo(200);
    JsonNode data = sent.json().at("/data/0");
    Embedding expected =
        fake.engine
            .embed(
                "w1 w2 w1",
                EmbedOptions.query().outputs(Output.DENSE, Output.SPARSE, Output.COLBERT))
            .join();
    assertThat(floats(data.path("dense"))).isEqualTo(expected.dense());
    assertThat(data.path("sparse").size()).isEqualTo(expected.sparse().size());
    int id = FakeModel.FIRST_WORD + 1;
    assertThat((float) data.path("sparse").path(Integer.toString(id)).doubleValue())
        .isEqualTo(expected.sparse().weightOf(id));
    assertThat(data.path("colbert").size()).isEqualTo(expected.colbert().rows());
    assertThat(floats(data.path("colbert").get(2))).isEqualTo(expected.colbert().row(2));
    assertThat(data.path("tokens").asInt()).isEqualTo(5);

    JsonNode sparse = fake.post("/embed_sparse", "{\"inputs\":\"w1 w2 w1\"}").json().get(0);
    assertThat(sparse.size()).isEqualTo(expected.sparse().size());
    assertThat(sparse.get(0).path("index").asInt()).isEqualTo(expected.sparse().id(0));
    assertThat(fake.post("/embed_all", "{\"inputs\":\"w1 w2 w1\"}").json().get(0).size())
        .isEqualTo(expected.colbert().rows());
    assertThat(starter.post("/embed_sparse", "{\"inputs\":\"a\"}").status()).isEqualTo(424);
  }

  @Test
  void rerank_ordersByTheModelsScore_inThreeShapes() throws IOException {
    String texts =
        "[\"The stock market fell.\",\"Fireflies glow at night.\",\"Bees dance to tell where"
            + " flowers are.\"]";
    JsonNode tei =
        starter
            .post(
                "/rerank",
                "{\"query\":\"insects that glow\",\"return_text\":true,\"texts\":" + texts + "}")
            .json();
    assertThat(tei.get(0).path("index").asInt()).isEqualTo(1);
    assertThat(tei.get(0).path("text").asText()).isEqualTo("Fireflies glow at night.");
    Embedding query = starter.engine.embed("insects that glow", EmbedOptions.query()).join();
    Embedding best =
        starter.engine.embed("Fireflies glow at night.", EmbedOptions.passage()).join();
    assertThat((float) tei.get(0).path("score").doubleValue())
        .isCloseTo(Scores.dense(query, best), within(1e-3f));
    for (String path : List.of("/rerank", "/v1/rerank", "/v2/rerank")) {
      JsonNode cohere =
          starter
              .post(
                  path,
                  "{\"model\":\"starter\",\"query\":\"insects that glow\",\"top_n\":2,"
                      + "\"return_documents\":true,\"documents\":"
                      + texts
                      + "}")
              .json();
      assertThat(cohere.path("results").size()).isEqualTo(2);
      assertThat(cohere.at("/results/0/index").asInt()).isEqualTo(1);
      // Infinity gives the text itself, Cohere an object.
      String document = path.equals("/rerank") ? "/results/0/document" : "/results/0/document/text";
      assertThat(cohere.at(document).asText()).contains("glow");
    }
    Server.Answer tooLong =
        starter.post(
            "/rerank",
            "{\"query\":\"a\",\"texts\":[\"b\"," + Server.quoted("firefly ".repeat(600)) + "]}");
    assertThat(tooLong.status()).isEqualTo(422);
    assertThat(tooLong.body()).contains("512").contains("truncate");
    JsonNode all =
        fake.post(
                "/v1/rerank",
                "{\"query\":\"w1 w2\",\"documents\":[\"w5 w6\",\"w1 w2\"],"
                    + "\"weights\":{\"sparse\":1,\"colbert\":1}}")
            .json();
    assertThat(all.at("/results/0/index").asInt()).isEqualTo(1);
  }
}
