package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Fields that a request should not have, and those that only its original has. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UnknownFieldsTest {
  private static final String EMBEDDINGS = "/v1/embeddings";

  @TempDir static Path folder;
  private Server server;

  @BeforeAll
  void open() {
    server = Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("index")));
  }

  @AfterAll
  void close() {
    server.close();
  }

  /** Each with the end of a body that is right but for its last field. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /v1/embeddings    | 400 | dimensions   | {"input":"w1","dimention":4}
          /embeddings       | 400 | dimensions   | {"input":"w1","dimension":4}
          /v1/m3/embeddings | 400 | outputs      | {"input":"w1","output":["dense"]}
          /v1/embed         | 400 | truncate     | {"texts":["w1"],"truncat":"NONE"}
          /v2/embed         | 400 | input_type   | {"texts":["w1"],"input-type":"search_query"}
          /v1/rerank        | 400 | top_n        | {"query":"w1","documents":["w1"],"topn":1}
          /v2/rerank        | 400 | documents    | {"query":"w1","documents":["w1"],"document":[]}
          /v1/search        | 400 | highlight    | {"query":"w1","highlights":true}
          /embed            | 422 | dimensions   | {"inputs":"w1","dimention":4}
          /                 | 422 | truncate     | {"inputs":"w1","truncated":false}
          /embed_sparse     | 422 | prompt_name  | {"inputs":"w1","promptname":"query"}
          /embed_all        | 422 | truncate     | {"inputs":"w1","trunkate":false}
          /tokenize         | 422 | prompt_name  | {"inputs":"w1","prompt-name":"query"}
          /decode           | 422 | ids          | {"ids":[3],"id":4}
          /rerank           | 422 | return_text  | {"query":"w1","texts":["w1"],"return_texts":true}
          /rerank           | 422 | top_n        | {"query":"w1","documents":["w1"],"topn":1}
          /vectors          | 422 | dimensions   | {"text":"w1","config":{"dimension":4}}
          """)
  void slip_isRefusedWithWhatIsMeant(String path, int status, String meant, String body) {
    Server.Answer answer = server.post(path, body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.body()).contains("did you mean \\\"" + meant + "\\\"?");
  }

  @Test
  void slip_besideOtherFields_isRefused() {
    assertThat(
            server
                .post(
                    "/similarity",
                    "{\"inputs\":{\"source_sentence\":\"w1\",\"sentences\":[\"w1\"]},"
                        + "\"parameters\":{\"truncat\":false}}")
                .status())
        .isEqualTo(422);
    for (String body : new String[] {"{\"documents\":[],\"comit\":true}", "{\"docs\":[]}"}) {
      assertThat(server.put("/v1/documents", body).body()).contains("Unknown field");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /v1/embeddings | {"input":"w1","user":"u","modality":"text","normalized":true}
          /v1/embeddings | {"input":["w1"],"task":"text-matching","late_chunking":false,"dimensions":null}
          /v1/embed      | {"texts":["w1"],"images":[],"priority":1}
          /v2/embed      | {"texts":["w1"],"images":null,"embedding_types":["float"]}
          /v1/rerank     | {"query":"w1","documents":["w1"],"max_chunks_per_doc":2,"rank_fields":["text"]}
          /v2/rerank     | {"query":"w1","documents":["w1"],"max_tokens_per_doc":99,"priority":0}
          /rerank        | {"query":"w1","documents":["w1"],"raw_scores":true,"other":1}
          /rerank        | {"query":"w1","texts":["w1"],"raw_scores":true,"model":"x"}
          /embed         | {"inputs":"w1","options":{"wait_for_model":true},"model":"x"}
          /embed_sparse  | {"inputs":"w1","normalize":true}
          /tokenize      | {"inputs":"w1","extra":1}
          /vectors       | {"text":"w1","dims":0,"vector":null,"error":"","config":{"pooling_strategy":"cls"}}
          """)
  void fieldsOfTheOriginal_areAccepted(String path, String body) {
    Server.Answer answer = server.post(path, body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
  }

  @Test
  void whatWouldChangeTheAnswer_andIsNotOffered_isRefused() {
    assertThat(server.post(EMBEDDINGS, "{\"input\":\"w1\",\"late_chunking\":true}").body())
        .contains("\"param\":\"late_chunking\"")
        .contains("only false is offered");
    assertThat(server.post(EMBEDDINGS, "{\"input\":\"w1\",\"messages\":[]}").body())
        .contains("Unknown field \\\"messages\\\". Known: input, model,")
        .doesNotContain("did you mean");
    assertThat(server.post("/v2/embed", "{\"texts\":[\"w1\"],\"max_tokens\":4}").status())
        .isEqualTo(400);
  }

  @Test
  void emptyText_isRefused_asItsOriginalsDo() throws IOException {
    Server.Answer openAi = server.post(EMBEDDINGS, "{\"input\":[\"w1\",\"\"]}");
    assertThat(openAi.status()).isEqualTo(400);
    assertThat(openAi.json().at("/error/param").asText()).isEqualTo("input[1]");
    assertThat(server.post("/v1/m3/embeddings", "{\"input\":\"\"}").status()).isEqualTo(400);
    assertThat(server.post("/v1/embed", "{\"texts\":[\"\"]}").status()).isEqualTo(400);
    for (String path : new String[] {"/embed", "/embed_sparse", "/tokenize"}) {
      Server.Answer tei = server.post(path, "{\"inputs\":\"\"}");
      assertThat(tei.status()).as(path).isEqualTo(422);
      assertThat(tei.json().path("error_type").asText()).isEqualTo("validation");
    }
    // There, a pair may have one empty half, and Weaviate embeds objects without words.
    assertThat(server.post("/rerank", "{\"query\":\"w1\",\"texts\":[\"\"]}").status())
        .isEqualTo(200);
    assertThat(server.post("/vectors", "{\"text\":\"\"}").status()).isEqualTo(200);
  }

  @Test
  void slip_inTheQueryString_isRefused() {
    String document = "{\"text\":\"w1\"}";
    for (Server.Answer answer :
        new Server.Answer[] {
          server.put("/v1/documents/a?comit=true", document),
          server.post("/v1/documents/bulk?result=failed", ""),
          server.delete("/v1/documents/a?waitfor=commit"),
          server.get("/v1/documents?limits=5")
        }) {
      assertThat(answer.status()).as(answer.body()).isEqualTo(400);
      assertThat(answer.body()).contains("did you mean");
    }
    assertThat(server.post("/v1/documents/bulk?results=fail", "").body()).contains("all or failed");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /v1/embeddings?rol=query    | 400 | role   | {"input":"w1"}
          /v1/embed?roles=query       | 400 | role   | {"texts":["w1"]}
          /v1/m3/embeddings?rol=query | 400 | role   | {"input":"w1"}
          /embed?rolle=query          | 422 | role   | {"inputs":"w1"}
          /embed_sparse?fromat=map    | 422 | format | {"inputs":"w1"}
          /embed_sparse?format=map&token=text | 422 | tokens | {"inputs":"w1"}
          /vectors?rol=query          | 422 | role   | {"text":"w1"}
          """)
  void slip_inTheQueryStringOfEmbeddings_isRefused(
      String path, int status, String meant, String body) {
    Server.Answer answer = server.post(path, body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.body()).contains("did you mean \\\"" + meant + "\\\"?");
  }

  @Test
  void ownOperations_refuseAnyOtherName_andThoseOfOthersIgnoreIt() throws Exception {
    String query = "{\"query\":\"w1\"}";
    for (Server.Answer answer :
        new Server.Answer[] {
          server.post("/v1/search?tpo=1", query),
          server.post("/v1/search?top=1", query),
          server.post("/v1/m3/embeddings?outputs=dense", "{\"input\":\"w1\"}"),
          server.post("/v1/documents/count?filter=x", "{}"),
          server.post("/v1/documents/export?limit=1", ""),
          server.post("/v1/commit?wait_for=commit", ""),
          server.get("/v1/documents/a?limit=1"),
          server.get("/v1/index?x=1")
        }) {
      assertThat(answer.status()).as(answer.body()).isEqualTo(400);
      assertThat(answer.body()).contains("name in the query string");
    }
    assertThat(status("/v1/embeddings?api-version=2024-10-21", "{\"input\":\"w1\"}"))
        .isEqualTo(200);
    assertThat(status("/embed?x=1", "{\"inputs\":\"w1\"}")).isEqualTo(200);
  }

  /**
   * Of a request that the server's description does not list, and that is answered all the same.
   */
  private int status(String path, String body) throws IOException, InterruptedException {
    HttpRequest request =
        server.request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build();
    return server.client().send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
  }

  @Test
  void namesOfTokens_inTheListOfIds_areRefused() {
    String body = "{\"inputs\":\"w1\"}";
    Server.Answer answer = server.post("/embed_sparse?tokens=text", body);
    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.body()).contains("format=map");
    assertThat(server.post("/embed_sparse?tokens=text&format=map", body).status()).isEqualTo(200);
    assertThat(server.post("/embed_sparse?tokens=id", body).status()).isEqualTo(200);
  }
}
