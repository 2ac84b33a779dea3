package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The OpenAPI document against what is served. {@code OpenApiTest} of {@code server-clients} reads
 * it with a parser of others.
 */
@Timeout(120)
class OpenApiDocumentTest {
  /** The answer that describes the errors of each format. */
  private static final Map<Problems.Format, String> ERRORS =
      Map.of(
          Problems.Format.OPENAI, "Problem",
          Problems.Format.TEI, "TeiProblem",
          Problems.Format.COHERE, "CohereProblem");

  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();

  @Test
  void openApi_isWhatIsServed_andItsExamplesWork() throws IOException {
    try (Server server = Server.fake(backend, folder, c -> c.index(folder.resolve("index")))) {
      JsonNode document = server.get("/openapi.json").json();
      Set<String> documented = new TreeSet<>();
      for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
        for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
          documented.add(method.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey());
        }
      }
      Set<String> served = new TreeSet<>();
      server
          .server
          .routes()
          .forEach(r -> served.add(r.method().text() + " " + r.path().replace("{+", "{")));
      // Each GET is served to HEAD as well; where its answer is of use alone, it is documented.
      assertThat(documented)
          .contains("HEAD /v1/documents/{id}", "HEAD /v1/indexes/{index}/documents/{id}");
      documented.removeIf(
          each -> each.startsWith("HEAD ") && served.contains(each.replace("HEAD ", "GET ")));
      assertThat(documented).isEqualTo(served);
      for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
        for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
          JsonNode operation = method.getValue();
          String name = method.getKey() + " " + path.getKey();
          assertThat(operation.path("summary").asText()).as(name).isNotBlank();
          assertThat(operation.path("operationId").asText()).as(name).isNotBlank();
          JsonNode content = operation.path("requestBody").path("content");
          for (Map.Entry<String, JsonNode> type : content.properties()) {
            JsonNode example = type.getValue().path("example");
            String body = example.isTextual() ? example.textValue() : example.toString();
            Server.Answer answer =
                server.send(
                    server
                        .request(
                            path.getKey().replace("{id}", "fake").replace("{index}", "default"))
                        .method(
                            method.getKey().toUpperCase(Locale.ROOT),
                            HttpRequest.BodyPublishers.ofString(body)));
            assertThat(answer.status()).as(name + " " + answer.body()).isEqualTo(200);
            checkAnswer(document, operation, answer, name);
          }
        }
      }
    }
  }

  @Test
  void everyOperation_saysItsErrors_inTheFormatOfItsRoute() throws IOException {
    try (Server server = Server.fake(backend, folder, c -> c)) {
      JsonNode document = server.get("/openapi.json").json();
      Set<String> tags = new TreeSet<>();
      document.path("tags").forEach(tag -> tags.add(tag.path("name").asText()));
      for (Route route : server.server.routes()) {
        JsonNode operation =
            document
                .path("paths")
                .path(route.path().replace("{+", "{"))
                .path(route.method().text().toLowerCase(Locale.ROOT));
        String expected = "#/components/responses/" + ERRORS.get(route.errors());
        for (String errors : Set.of("4XX", "5XX")) {
          assertThat(operation.path("responses").path(errors).path("$ref").asText())
              .as(route.path() + " " + errors)
              .isEqualTo(expected);
        }
        for (JsonNode tag : operation.path("tags")) {
          assertThat(tags).contains(tag.asText());
        }
      }
    }
  }

  /** A name that is required and described nowhere tells a generated client nothing of its type. */
  @Test
  void everyRequiredName_isDescribed() throws IOException {
    Map<String, Set<String>> missing = new HashMap<>();
    findUndescribed(Server.MAPPER.readTree(Resources.read("openapi.json")), "", missing);
    assertThat(missing).isEmpty();
  }

  /** Where everything is allowed, {@link DocumentedAnswers} finds nothing wrong. */
  @Test
  void everyAnswer_isDescribedToItsLastMember() throws IOException {
    JsonNode document = Server.MAPPER.readTree(Resources.read("openapi.json"));
    Set<String> vague = new TreeSet<>();
    for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
      for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
        findVague(method.getValue().path("responses"), method.getKey() + path.getKey(), vague);
      }
    }
    for (Map.Entry<String, JsonNode> schema : document.at("/components/schemas").properties()) {
      findVague(schema.getValue(), schema.getKey(), vague);
    }
    assertThat(vague).isEmpty();
  }

  private static void findVague(JsonNode node, String at, Set<String> vague) {
    String type = node.path("type").asText();
    if (type.equals("object") && !node.has("properties") && !node.has("additionalProperties")) {
      vague.add(at);
    }
    if (type.equals("array") && node.path("items").isEmpty()) {
      vague.add(at);
    }
    if (node.path("schema").isObject() && node.path("schema").isEmpty()) {
      vague.add(at);
    }
    node.properties().forEach(each -> findVague(each.getValue(), at + '/' + each.getKey(), vague));
    node.forEach(each -> {
      if (node.isArray()) {
        findVague(each, at, vague);
      }
    });
  }

  private static void findUndescribed(JsonNode node, String at, Map<String, Set<String>> missing) {
    if (node.path("required").isArray()) {
      for (JsonNode name : node.path("required")) {
        if (!node.path("properties").has(name.asText())) {
          missing.computeIfAbsent(at, made -> new TreeSet<>()).add(name.asText());
        }
      }
    }
    node.properties()
        .forEach(child -> findUndescribed(child.getValue(), at + '/' + child.getKey(), missing));
    for (int i = 0; node.isArray() && i < node.size(); i++) {
      findUndescribed(node.get(i), at + '/' + i, missing);
    }
  }

  /** What is promised of the answer is there. */
  private static void checkAnswer(
      JsonNode document, JsonNode operation, Server.Answer answer, String name) throws IOException {
    JsonNode schema = operation.at("/responses/200/content/application~1json/schema");
    if (schema.has("$ref")) {
      schema = document.at(schema.path("$ref").asText().substring(1));
    }
    for (JsonNode required : schema.path("required")) {
      assertThat(answer.json().has(required.asText())).as(name + ": " + required).isTrue();
    }
  }
}
