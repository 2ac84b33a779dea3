package io.luciole.server.clusters;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.EmbedOptions;
import io.luciole.Embedded;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.SparseVector;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SourceDocument;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import io.luciole.spark.BulkTarget;
import io.luciole.spark.BulkWriter;
import io.luciole.spark.ClusterKind;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster of two OpenSearch nodes that indexes sparse vectors of the server's as docs/clusters.md
 * says finds what a {@link HybridSearcher} finds. The documents are NPL's if its folder is beside
 * the project, and else made up; {@code luciole.test.documents} limits their number.
 */
@Timeout(3600)
class OpenSearchTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path NPL = Path.of("../../shared/data/npl");
  private static final Path PAGE = Path.of("../docs/clusters.md");
  private static final int MOST = Integer.getInteger("luciole.test.documents", Integer.MAX_VALUE);
  private static final int BULK = 200;
  private static final int TOP = 10;

  @TempDir static Path folder;

  private record Text(String id, String text) {}

  private record Cluster(OpenSearchNode first, OpenSearchNode second) implements AutoCloseable {
    static Cluster start(String name) throws Exception {
      Path home = Files.createDirectories(folder.resolve(name));
      OpenSearchNode first = OpenSearchNode.start(home, "first", null);
      try {
        return new Cluster(first, OpenSearchNode.start(home, "second", first));
      } catch (Throwable t) {
        first.close();
        throw t;
      }
    }

    @Override
    public void close() throws IOException {
      second.close();
      first.close();
    }
  }

  @Test
  void sparseVectorsOfTheServer_findWhatTheSearcherFinds() throws Exception {
    List<Text> documents = texts("corpus.jsonl", 3000).stream().limit(MOST).toList();
    List<Text> queries = texts("queries.jsonl", 50);
    try (EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(MiniM3.source()).open();
        LucioleServer server =
            LucioleServer.start(ServerConfig.defaults().at("127.0.0.1", 0), engine);
        Cluster cluster = Cluster.start("server");
        HttpClient http = HttpClient.newHttpClient()) {
      Calls calls = new Calls(http);
      URI sparse = server.uri().resolve("/embed_sparse?format=map");
      URI index = cluster.first.uri().resolve("/passages");
      calls.send("PUT", index, blockOfThePage("Mapping for OpenSearch"));
      for (int i = 0; i < documents.size(); i += BULK) {
        List<Text> some = documents.subList(i, Math.min(documents.size(), i + BULK));
        JsonNode vectors = calls.send("POST", sparse, inputs(some));
        JsonNode answer =
            calls.send("POST", cluster.second.uri().resolve("/_bulk"), bulk(some, vectors));
        assertThat(answer.path("errors").asBoolean()).as(answer.toString()).isFalse();
      }
      calls.send("POST", index.resolve("/passages/_refresh"), "");
      JsonNode health =
          calls.send(
              "GET", index.resolve("/_cluster/health?wait_for_status=green&timeout=60s"), "");
      assertThat(health.path("number_of_nodes").asInt()).isEqualTo(2);
      assertThat(health.path("status").asText()).isEqualTo("green");
      compare(
          engine,
          documents,
          queries,
          text -> {
            JsonNode weights =
                calls.send(
                    "POST",
                    URI.create(sparse + "&role=query"),
                    inputs(List.of(new Text("", text))));
            JsonNode found =
                calls.send("POST", index.resolve("/passages/_search"), search(weights.get(0)));
            return found.at("/hits/hits").findValuesAsText("_id");
          });
    }
  }

  /** As a task of a Spark job does it, with vectors of the engine's own. */
  @Test
  void vectorsOfTheBulkWriter_findWhatTheSearcherFinds() throws Exception {
    List<Text> documents =
        texts("corpus.jsonl", 3000).stream().limit(Math.min(MOST, 1000)).toList();
    List<Text> queries = texts("queries.jsonl", 50);
    try (EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(MiniM3.source()).open();
        Cluster cluster = Cluster.start("bulk");
        HttpClient http = HttpClient.newHttpClient()) {
      BulkTarget target = BulkTarget.of(cluster.second.uri(), "passages");
      for (int time = 0; time < 2; time++) {
        // The second time is a task that is repeated.
        try (BulkWriter writer = BulkWriter.open(target)) {
          writer.createIndex(
              ClusterKind.OPENSEARCH_WITHOUT_KNN.index(
                  List.of("dense", "sparse"), engine.backend().dimension(), true));
          Iterator<Embedded<Text>> embedded =
              engine.embedAll(documents.iterator(), Text::text, EmbedOptions.passage());
          embedded.forEachRemaining(each ->
              writer.put(each.source().id, document(each.source(), each.embedding()).toString()));
        }
      }
      Calls calls = new Calls(http);
      URI index = cluster.first.uri().resolve("/passages");
      calls.send("POST", index.resolve("/passages/_refresh"), "");
      assertThat(calls.send("GET", index.resolve("/passages/_count"), "").path("count").asInt())
          .isEqualTo(documents.size());
      compare(
          engine,
          documents,
          queries,
          text -> {
            Embedding query = engine.embed(text, EmbedOptions.query()).join();
            JsonNode found =
                calls.send("POST", index.resolve("/passages/_search"), search(weights(query)));
            return found.at("/hits/hits").findValuesAsText("_id");
          });
    }
  }

  private static ObjectNode document(Text text, Embedding embedding) {
    ObjectNode document = JSON.createObjectNode().put("text", text.text);
    ArrayNode dense = document.putArray("dense");
    for (float value : embedding.dense()) {
      dense.add(value);
    }
    document.set("sparse", weights(embedding));
    return document;
  }

  private static ObjectNode weights(Embedding embedding) {
    ObjectNode weights = JSON.createObjectNode();
    SparseVector sparse = embedding.sparse();
    for (int i = 0; i < sparse.size(); i++) {
      if (sparse.weight(i) > 0) {
        weights.put(Integer.toString(sparse.id(i)), sparse.weight(i));
      }
    }
    return weights;
  }

  private interface Search {
    List<String> ids(String query) throws IOException, InterruptedException;
  }

  /** Rounded to other bits, weights can exchange documents whose scores are nearly equal. */
  private static void compare(
      EmbeddingEngine engine, List<Text> documents, List<Text> queries, Search search)
      throws Exception {
    try (HybridIndexer indexer =
        HybridIndexer.open(Files.createTempDirectory(folder, "index"), engine)) {
      documents.forEach(each -> {
        var unused = indexer.put(SourceDocument.of(each.id, "", each.text));
      });
      indexer.commit();
      try (HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
        int found = 0;
        int expected = 0;
        for (Text query : queries) {
          List<String> ours =
              searcher.search(HybridQuery.of(query.text).legs(Leg.SPARSE).top(TOP)).hits().stream()
                  .map(Hit::id)
                  .toList();
          Set<String> both = new HashSet<>(search.ids(query.text));
          assertThat(both).as(query.text).hasSameSizeAs(ours);
          both.retainAll(ours);
          found += both.size();
          expected += ours.size();
        }
        System.out.printf(
            "%d documents, %d queries: %d of %d top hits are the same%n",
            documents.size(), queries.size(), found, expected);
        assertThat(found).isGreaterThanOrEqualTo((int) Math.ceil(0.97 * expected));
      }
    }
  }

  /** Documents or queries of NPL, or, without it, made up of words of a vocabulary by a seed. */
  private static List<Text> texts(String file, int otherwise) throws IOException {
    Path path = NPL.resolve(file);
    if (Files.exists(path)) {
      try (Stream<String> lines = Files.lines(path)) {
        return lines.map(OpenSearchTest::text).toList();
      }
    }
    Random random = new Random(file.length());
    return IntStream.range(0, otherwise)
        .mapToObj(i ->
            new Text(
                Integer.toString(i),
                random
                    .ints(5 + random.nextInt(30), 0, 2000)
                    .mapToObj(word -> Integer.toString(word, 36) + "ing")
                    .collect(Collectors.joining(" "))))
        .toList();
  }

  private static Text text(String line) {
    try {
      JsonNode node = JSON.readTree(line);
      return new Text(node.path("_id").asText(), node.path("text").asText());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first block of JSON under a heading of the page. */
  private static String blockOfThePage(String heading) throws IOException {
    Matcher block =
        Pattern.compile("#+ " + heading + "\n.*?```json\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(PAGE));
    assertThat(block.find()).as(heading).isTrue();
    return block.group(1);
  }

  private static String inputs(List<Text> texts) {
    ObjectNode body = JSON.createObjectNode();
    texts.forEach(each -> body.withArray("inputs").add(each.text));
    return body.toString();
  }

  private static String bulk(List<Text> texts, JsonNode vectors) {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < texts.size(); i++) {
      ObjectNode action = JSON.createObjectNode();
      action.putObject("index").put("_index", "passages").put("_id", texts.get(i).id);
      ObjectNode document = JSON.createObjectNode().put("text", texts.get(i).text);
      document.set("sparse", vectors.get(i));
      lines.append(action).append('\n').append(document).append('\n');
    }
    return lines.toString();
  }

  /** The sum over the query's tokens of its weight times the document's. */
  private static String search(JsonNode weights) {
    ObjectNode body = JSON.createObjectNode().put("size", TOP).put("_source", false);
    ArrayNode clauses = body.putObject("query").putObject("bool").putArray("should");
    weights
        .properties()
        .forEach(token -> {
          ObjectNode clause = clauses.addObject().putObject("rank_feature");
          clause.put("field", "sparse." + token.getKey());
          clause.put("boost", token.getValue().doubleValue());
          clause.putObject("linear");
        });
    return body.toString();
  }

  /** Sends JSON and reads it. */
  private record Calls(HttpClient http) {
    JsonNode send(String method, URI uri, String body) throws IOException, InterruptedException {
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(uri)
                  .version(HttpClient.Version.HTTP_1_1)
                  .header("Content-Type", "application/json")
                  .method(
                      method,
                      body.isEmpty()
                          ? HttpRequest.BodyPublishers.noBody()
                          : HttpRequest.BodyPublishers.ofString(body))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(uri + ": " + answer.body()).isBetween(200, 201);
      return JSON.readTree(answer.body());
    }
  }
}
