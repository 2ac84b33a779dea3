package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sorting, collapsing, counting and deleting by metadata over HTTP. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ArrangingTest {
  private static final String CORPUS =
      """
      {"_id":"a","text":"w1 w2","year":1990,"lang":"en","price":2.5,"day":"2026-01-02"}
      {"_id":"b","text":"w1 w3","year":2010,"lang":"de","price":10}
      {"_id":"c","text":"w1 w4","year":2000,"lang":"en"}
      {"_id":"d","text":"w1 w5","lang":["de","en"]}
      {"_id":"e","text":"w6"}
      """;

  @TempDir static Path folder;
  private Server server;

  @BeforeAll
  void start() {
    LucioleConfig types =
        LucioleConfig.of(
            Map.of("luciole.server.metadata", "year=long, lang=keyword, price=double, day=date"));
    ServerConfig config = ServerConfig.of(types).at("127.0.0.1", 0).index(folder.resolve("index"));
    server = Server.fake(new FakeBackend(), folder, c -> config);
    assertThat(server.post("/v1/documents/bulk?commit=true", CORPUS).body())
        .contains("\"lines\":5,\"failed\":0");
  }

  @AfterAll
  void close() {
    server.close();
  }

  private JsonNode search(String body) throws IOException {
    Server.Answer answer = server.post("/v1/search", body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json();
  }

  private List<String> ids(String body) throws IOException {
    List<String> ids = new ArrayList<>();
    search(body).path("hits").forEach(hit -> ids.add(hit.path("id").asText()));
    return ids;
  }

  @Test
  void sort_withoutWords_listsAllThatMatchTheFilter_exactly() throws IOException {
    assertThat(ids("{\"sort\":\"year:desc\"}")).containsExactly("b", "c", "a", "d", "e");
    assertThat(ids("{\"query\":\" \",\"sort\":[\"lang\",\"year\"]}"))
        .containsExactly("b", "d", "a", "c", "e");
    JsonNode english = search("{\"sort\":\"year\",\"top\":1,\"filter\":{\"lang\":\"en\"}}");
    assertThat(english.path("hits").get(0).path("id").asText()).isEqualTo("a");
    assertThat(english.path("matches").toString())
        .isEqualTo("{\"value\":3,\"relation\":\"exactly\"}");
  }

  @Test
  void sort_withWords_ordersWhatTheLegsFound() throws IOException {
    assertThat(ids("{\"query\":\"w1\",\"legs\":[\"bm25\"],\"sort\":\"year\"}"))
        .containsExactly("a", "c", "b", "d");
    assertThat(search("{\"query\":\"w1\"}").path("matches").toString())
        .matches("\\{\"value\":[45],\"relation\":\"at_least\"}");
    assertThat(search("{\"query\":\"w1\",\"legs\":[\"bm25\"]}").path("matches").toString())
        .isEqualTo("{\"value\":4,\"relation\":\"exactly\"}");
  }

  @Test
  void collapse_givesOneHitAValue() throws IOException {
    assertThat(ids("{\"sort\":\"year:desc\",\"collapse\":\"lang\"}"))
        .containsExactly("b", "c", "e");
    assertThat(ids("{\"query\":\"w1\",\"legs\":[\"bm25\"],\"collapse\":\"lang\"}")).hasSize(2);
  }

  @Test
  void facets_countOverTheFilter_whateverTheWords() throws IOException {
    JsonNode answer =
        search(
            """
            {"query":"w6","legs":["bm25"],"facets":["lang","year:1",{"field":"price","top":5},"day",
             {"field":"year","ranges":[{"lt":2000},{"gte":2000,"lte":2010}]}]}
            """);
    assertThat(answer.path("hits")).hasSize(1);
    assertThat(answer.path("facets").get(0).toString())
        .isEqualTo(
            "{\"field\":\"lang\",\"documents\":4,\"distinct\":2,\"values\":[{\"value\":\"en\","
                + "\"count\":3},{\"value\":\"de\",\"count\":2}]}");
    assertThat(answer.path("facets").get(1).toString())
        .isEqualTo(
            "{\"field\":\"year\",\"documents\":3,\"distinct\":3,\"values\":[{\"value\":1990,"
                + "\"count\":1}]}");
    assertThat(answer.path("facets").get(2).path("values").toString())
        .isEqualTo("[{\"value\":2.5,\"count\":1},{\"value\":10.0,\"count\":1}]");
    assertThat(answer.path("facets").get(3).path("values").toString())
        .isEqualTo("[{\"value\":\"2026-01-02T00:00:00Z\",\"count\":1}]");
    assertThat(answer.path("facets").get(4).path("values").toString())
        .isEqualTo(
            "[{\"range\":{\"lt\":2000},\"count\":1},{\"range\":{\"gte\":2000,\"lte\":2010},"
                + "\"count\":2}]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"sort":"year:down"}                                       | asc or desc
          {"sort":[1]}                                               | a field such as
          {"sort":"size"}                                            | got \\"size\\"
          {"query":"w1","collapse":"size"}                           | got \\"size\\"
          {"query":"w1","collapse":7}                                | a string
          {"query":"w1","facets":[{"field":"year","most":3}]}        | a field with top or ranges
          {"query":"w1","facets":["year:0"]}                         | at least 1
          {"query":"w1","facets":[{"field":"year","ranges":[{}]}]}   | gt, gte, lt or lte
          {"query":"w1","facets":[{"field":"lang","ranges":[{"lt":1}]}]} | a number or date for a range
          {"facets":["lang"]}                                        | Expected \\"query\\", or \\"filter\\" or \\"sort\\" for a list without one
          """)
  void whatCannotBeArranged_isRefused(String body, String expected) throws IOException {
    Server.Answer answer = server.post("/v1/search", body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(400);
    assertThat(answer.body()).contains(expected);
  }

  @Test
  void delete_byFilter_deletesWhatMatches_andNothingForAnEmptyOne() throws IOException {
    String more =
        """
        {"_id":"x1","text":"w9","year":1700}
        {"_id":"x2","text":"w9","year":1701}
        """;
    assertThat(server.post("/v1/documents/bulk?commit=true", more).status()).isEqualTo(200);
    String path = "/v1/documents?commit=true";
    assertThat(server.delete(path, "{\"filter\":{}}").status()).isEqualTo(400);
    assertThat(server.delete(path, "{\"filter\":{\"$id\":\"x1\"},\"ids\":[]}").status())
        .isEqualTo(400);
    assertThat(server.delete(path, "{}").status()).isEqualTo(400);
    assertThat(server.delete(path, "{\"filter\":{\"year\":{\"lt\":1800}}}").json())
        .hasToString("{\"deleted\":2,\"committed\":true}");
    assertThat(search("{\"sort\":\"year\"}").path("matches").path("value").asInt()).isEqualTo(5);
  }
}
