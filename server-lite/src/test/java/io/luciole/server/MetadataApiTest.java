package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.Metadata;
import io.luciole.lucene.SourceDocument;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Metadata over HTTP: what goes in is what a file gives, and comes out with its types. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetadataApiTest {
  private static final String CORPUS =
      """
      {"_id":"a","text":"w1","price":10.0,"big":1e3,"tags":["x","y"],"flag":true,"none":null}
      {"_id":"b","text":"w1","metadata":{"lang":"en","author":{"name":"Ada"}},"n":-0.0}
      {"id":"c","text":"w1","lang":"de","long":"%s","exact":0.12345678901234567890}
      """
          .formatted("abc ".repeat(100));

  @TempDir static Path folder;
  private Server server;

  @BeforeAll
  void start() {
    server = Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("index")));
    assertThat(server.post("/v1/documents/bulk?commit=true", CORPUS).body())
        .contains("\"lines\":3,\"failed\":0");
  }

  @AfterAll
  void close() {
    server.close();
  }

  private Set<String> found(String filter) throws IOException {
    Server.Answer answer =
        server.post(
            "/v1/search", "{\"query\":\"w1 w2\",\"legs\":[\"bm25\"],\"filter\":" + filter + "}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    Set<String> ids = new TreeSet<>();
    for (JsonNode hit : answer.json().path("hits")) {
      ids.add(hit.path("id").asText());
    }
    return ids;
  }

  @Test
  void documentsOverHttp_haveTheMetadataOfTheSameFile() throws IOException {
    Path file = Files.writeString(folder.resolve("corpus.jsonl"), CORPUS);
    Map<String, Metadata> read = new LinkedHashMap<>();
    try (DocumentSource source = BeirReader.corpus(file)) {
      while (source.hasNext()) {
        SourceDocument document = source.next();
        read.put(document.id(), document.metadata());
      }
    }
    String answer = server.post("/v1/search", "{\"query\":\"w1\",\"legs\":[\"bm25\"]}").body();
    assertThat(read).hasSize(3);
    read.forEach(
        (id, metadata) -> assertThat(answer).contains("\"metadata\":" + metadata.toJson()));
    assertThat(answer)
        .contains("\"price\":10.0,\"big\":1000.0,\"tags\":[\"x\",\"y\"],\"flag\":true}")
        .contains("0.12345678901234567890")
        .doesNotContain("none");
  }

  @Test
  void bulk_takesDeleteForMetadata_inALineThatIsADocument() throws IOException {
    String lines =
        """
        {"_id":"no","text":"w2"}
        {"_id":"how-to","text":"w2","delete":"no"}
        """;
    assertThat(server.post("/v1/documents/bulk?commit=true", lines).body())
        .contains("\"id\":\"how-to\",\"status\":200,\"result\":\"created\"");
    assertThat(found("{\"delete\":\"no\"}")).containsExactly("how-to");
    assertThat(found("{\"$id\":\"no\"}")).containsExactly("no");
    assertThat(
            server
                .post(
                    "/v1/documents/bulk?commit=true",
                    "{\"delete\":\"no\"}\n{\"delete\":\"how-to\"}\n")
                .body())
        .contains("\"lines\":2,\"failed\":0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"tags":"y"}                | a
          {"price":10}                | a
          {"big":{"gt":999}}          | a
          {"lang":["en","de"]}        | b c
          {"author":{"name":"Ada"}}   | b
          {"author":{"exists":true}}  | b
          {"long":{"prefix":"abc a"}} | c
          {"n":0}                     | b
          """)
  void filter_findsValuesByTheirTypes(String filter, String ids) throws IOException {
    assertThat(found(filter)).isEqualTo(new TreeSet<>(Set.of(ids.split(" "))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"$exists":"lang"}     | filter.$exists | Unknown operator
          {"lang":{"in":["en"]}} | filter.lang    | Known: gt, gte, lt, lte, exists, terms, prefix
          {"lang":{"gt":"a"}}    | filter.lang    | Expected a number
          []                     | filter         | Expected an object such as
          {}                     | filter         | Expected an object such as
          {"n":1e999999999}      | filter.n       | Expected a number that a double can hold
          """)
  void filter_thatIsWrong_isRefusedWithItsPlace(String filter, String param, String message)
      throws IOException {
    Server.Answer answer =
        server.post("/v1/search", "{\"query\":\"w1\",\"filter\":" + filter + "}");
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json().at("/error/param").asText()).isEqualTo(param);
    assertThat(answer.json().at("/error/message").asText()).contains(message);
  }

  @Test
  void metadataThatIsWrong_isRefusedInWords() throws IOException {
    Server.Answer twice =
        server.put("/v1/documents/x", "{\"text\":\"t\",\"k\":1,\"metadata\":{\"k\":2}}");
    assertThat(twice.status()).isEqualTo(400);
    assertThat(twice.json().at("/error/message").asText()).contains("Expected \"k\" once");
    Server.Answer huge = server.put("/v1/documents/x", "{\"text\":\"t\",\"k\":1e999999999}");
    assertThat(huge.status()).isEqualTo(400);
    assertThat(huge.json().at("/error/param").asText()).isEqualTo("metadata");
    Server.Answer none = server.put("/v1/documents/x", "{\"text\":\"t\",\"metadata\":\"k\"}");
    assertThat(none.json().at("/error/message").asText()).contains("Expected an object");
  }
}
