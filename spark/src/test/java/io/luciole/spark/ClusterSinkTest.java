package io.luciole.spark;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.luciole.LucioleException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Documents for a cluster's bulk API, taken by a small stand-in that is often busy. */
@Timeout(600)
class ClusterSinkTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;
  private final HttpServer server = listen();
  private final Map<String, JsonNode> taken = new ConcurrentHashMap<>();
  private final Map<String, String> created = new ConcurrentHashMap<>();
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicInteger sent = new AtomicInteger();

  private static HttpServer listen() {
    try {
      return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JsonNode document(String id) {
    return requireNonNull(taken.get(id), id);
  }

  @BeforeEach
  void start() {
    server.createContext("/", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private BulkTarget target(int attempts) {
    URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    return new BulkTarget(
        uri, "passages", Map.of("Authorization", "a key"), 4000, attempts, Duration.ofMillis(1));
  }

  /** Is busy with every third request, and with every fifth document; takes the rest. */
  private void answer(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(exchange.getRequestHeaders().getFirst("Authorization")).isEqualTo("a key");
    if (exchange.getRequestMethod().equals("PUT")) {
      boolean there = created.putIfAbsent(exchange.getRequestURI().getPath(), body) != null;
      reply(
          exchange,
          there ? 400 : 200,
          there ? "{\"error\":\"resource_already_exists_exception\"}" : "{}");
    } else if (requests.incrementAndGet() % 3 == 0) {
      reply(exchange, 429, "{}");
    } else {
      reply(exchange, 200, takeSome(body));
    }
  }

  private String takeSome(String body) throws IOException {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode items = answer.putArray("items");
    List<String> lines = body.lines().toList();
    for (int i = 0; i < lines.size(); i += 2) {
      String id = JSON.readTree(lines.get(i)).at("/index/_id").asText();
      ObjectNode item = items.addObject().putObject("index").put("_id", id);
      if (id.equals("refused")) {
        item.put("status", 400).put("error", "mapper_parsing_exception");
      } else if (sent.incrementAndGet() % 5 == 0) {
        item.put("status", 429);
      } else {
        item.put("status", 201);
        taken.put(id, JSON.readTree(lines.get(i + 1)));
      }
    }
    return answer.toString();
  }

  private static void reply(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  @Test
  void busyCluster_getsEveryDocumentUnderItsId() {
    try (BulkWriter writer = BulkWriter.open(target(50))) {
      writer.createIndex(ClusterKind.OPENSEARCH.index(List.of("dense", "sparse"), 32, true));
      writer.createIndex("{}");
      for (int i = 0; i < 300; i++) {
        writer.put("d" + i, "{\"text\":\"" + Corpus.text(i) + "\"}");
      }
    }
    assertThat(taken).hasSize(300);
    assertThat(requests.get()).as("in more than one request").isGreaterThan(10);
    assertThat(document("d7").path("text").asText()).isEqualTo(Corpus.text(7));
    assertThat(created.get("/passages"))
        .isEqualTo(
            "{\"mappings\":{\"properties\":{\"text\":{\"type\":\"text\"},\"title\":{\"type\":\"text\"},"
                + "\"dense\":{\"type\":\"knn_vector\",\"dimension\":32,\"space_type\":\"innerproduct\"},"
                + "\"sparse\":{\"type\":\"rank_features\"}}},\"settings\":{\"index.knn\":true}}");
  }

  @Test
  void documentThatIsRefused_andClusterThatStaysBusy_fail() {
    BulkWriter writer = BulkWriter.open(target(50));
    writer.put("refused", "{}");
    assertThatThrownBy(writer::flush)
        .isInstanceOf(LucioleException.class)
        .hasMessageContaining("refused 1 of 1 documents: refused: \"mapper_parsing_exception\"");
    server.stop(0);
    BulkWriter lost = BulkWriter.open(target(3));
    lost.put("a", "{}");
    assertThatThrownBy(lost::close)
        .isInstanceOf(LucioleException.class)
        .hasMessageContaining("in 3 attempts");
    assertThatThrownBy(() -> lost.put("a", "{\n}")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void rowsOfADataset_arriveWithTheirVectors() {
    Path corpus = Corpus.write(folder.resolve("corpus"), 100, 2);
    try (SparkRun spark = SparkRun.start(folder, Map.of())) {
      Dataset<Row> rows = SparkRun.miniM3().apply(spark.documents(corpus));
      ClusterSink.of(ClusterKind.ELASTICSEARCH, target(50)).write(rows);
      assertThat(taken).hasSize(100);
      Row row = rows.where("id = 'd42'").first();
      JsonNode document = document("d42");
      assertThat(document.path("text").asText()).isEqualTo(Corpus.text(42));
      assertThat(document.path("year").asInt()).isEqualTo(1942);
      assertThat(document.has("error")).isFalse();
      List<Float> dense = row.getList(row.fieldIndex("dense"));
      assertThat(document.path("dense")).hasSameSizeAs(dense);
      for (int i = 0; i < dense.size(); i++) {
        assertThat((float) document.path("dense").get(i).asDouble()).isEqualTo(dense.get(i));
      }
      Row sparse = row.getStruct(row.fieldIndex("sparse"));
      List<Integer> ids = sparse.getList(0);
      List<Float> weights = sparse.getList(1);
      assertThat(document.path("sparse").size())
          .isEqualTo((int) weights.stream().filter(weight -> weight > 0).count());
      for (int i = 0; i < ids.size(); i++) {
        if (weights.get(i) > 0) {
          assertThat((float) document.path("sparse").path(ids.get(i).toString()).asDouble())
              .isEqualTo(weights.get(i));
        }
      }
    }
  }

  /** The cluster would take the document without its vector, or without a token. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "null AS dense",
        "transform(dense, x -> if(x > 0, null, x)) AS dense",
        "null AS sparse",
        "named_struct('ids', sparse.ids, 'weights', cast(null AS array<float>)) AS sparse",
        "named_struct('ids', cast(null AS array<int>), 'weights', sparse.weights) AS sparse",
        "named_struct('ids', sparse.ids, 'weights', transform(sparse.weights,"
            + " (w, i) -> if(i = 0, null, w))) AS sparse"
      })
  void rowWithoutItsVector_orWithNullsInIt_isNotWritten(String column) {
    Path corpus = Corpus.write(folder.resolve("corpus"), 10, 1);
    try (SparkRun spark = SparkRun.start(folder, Map.of())) {
      Dataset<Row> rows = SparkRun.miniM3().apply(spark.documents(corpus)).drop("error");
      String name = column.substring(column.lastIndexOf(' ') + 1);
      String value = column.substring(0, column.length() - " AS ".length() - name.length());
      Dataset<Row> damaged =
          rows.withColumn(
              name,
              functions
                  .expr("if(id = 'd4', " + value + ", " + name + ")")
                  .as(name, rows.schema().apply(name).metadata()));
      ClusterSink sink = ClusterSink.of(ClusterKind.ELASTICSEARCH, target(50));
      assertThatThrownBy(() -> sink.write(damaged))
          .rootCause()
          .hasMessageContaining("found none of the document d4, or nulls in them");
      assertThat(taken).doesNotContainKey("d4");
    }
  }
}
