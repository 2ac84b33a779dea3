package io.luciole.server;

import static java.util.Comparator.comparingInt;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Holds every answer that a test gets against what {@code openapi.json} says of it: members that
 * are not described are errors, and so are parameters of requests that were accepted.
 */
final class DocumentedAnswers {
  private static final JsonNode DOCUMENT = strict();
  private static final SchemaRegistry REGISTRY =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
  private static final Map<String, Schema> SCHEMAS = new ConcurrentHashMap<>();

  private DocumentedAnswers() {}

  /** The document, in which objects have no members but those described. */
  private static JsonNode strict() {
    try {
      JsonNode document = Server.MAPPER.readTree(Resources.read("openapi.json"));
      close(document.at("/components/schemas"));
      document.path("paths").findValues("responses").forEach(DocumentedAnswers::close);
      return document;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void close(JsonNode node) {
    if (node instanceof ObjectNode object
        && object.path("properties").isObject()
        && !object.has("additionalProperties")) {
      object.put("additionalProperties", false);
    }
    node.forEach(DocumentedAnswers::close);
  }

  /** Checks an answer, unless nothing is documented where it comes from. */
  static void check(HttpResponse<String> response) {
    String path = response.request().uri().getRawPath();
    String method = response.request().method().toLowerCase(Locale.ROOT);
    Optional<String> template = template(path, method);
    if (template.isEmpty() || method.equals("head")) {
      return;
    }
    JsonNode operation = DOCUMENT.path("paths").path(template.get()).path(method);
    boolean done = response.statusCode() < 300;
    if (done) {
      assertThat(parameters(operation))
          .as(method + " " + response.request().uri())
          .containsAll(names(response.request().uri().getRawQuery()));
    }
    if (isJson(response)) {
      String at =
          "#/paths/"
              + template.get().replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
              + '/'
              + method
              + "/responses/"
              + status(operation, response.statusCode());
      validate(resolved(at), response);
    }
  }

  private static boolean isJson(HttpResponse<String> response) {
    return response.headers().firstValue("Content-Type").orElse("").equals("application/json")
        && response.headers().firstValue("Content-Encoding").isEmpty();
  }

  private static String status(JsonNode operation, int status) {
    String exact = Integer.toString(status);
    return operation.path("responses").has(exact) ? exact : exact.charAt(0) + "XX";
  }

  /** The place of the schema of an answer, whose description may be elsewhere. */
  private static String resolved(String at) {
    JsonNode answer = DOCUMENT.at(at.substring(1).replace("%7B", "{").replace("%7D", "}"));
    return answer.path("$ref").asText(at) + "/content/application~1json/schema";
  }

  private static void validate(String at, HttpResponse<String> response) {
    try {
      assertThat(
              SCHEMAS
                  .computeIfAbsent(at, made -> schema(at))
                  .validate(Server.MAPPER.readTree(response.body())))
          .as(response.request().method() + " " + response.request().uri() + " " + response.body())
          .isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Schema schema(String at) {
    ObjectNode root = DOCUMENT.deepCopy();
    return REGISTRY.getSchema(root.put("$ref", at));
  }

  /** The path of the document that a request's path is one of; literal ones first. */
  private static Optional<String> template(String path, String method) {
    return DOCUMENT.path("paths").properties().stream()
        .filter(each -> each.getValue().has(method))
        .map(Map.Entry::getKey)
        .filter(each -> pattern(each).matcher(path).matches())
        .min(comparingInt(each -> each.replaceAll("[^{]", "").length()));
  }

  private static Pattern pattern(String template) {
    String id = "\\\\E.+\\\\Q";
    return Pattern.compile(
        "\\Q" + template.replace("{index}", "\\E[^/]+\\Q").replaceAll("\\{\\w+}", id) + "\\E");
  }

  private static Set<String> parameters(JsonNode operation) {
    return StreamSupport.stream(operation.path("parameters").spliterator(), false)
        .map(each -> each.has("$ref") ? DOCUMENT.at(each.path("$ref").asText().substring(1)) : each)
        .filter(each -> each.path("in").asText().equals("query"))
        .map(each -> each.path("name").asText())
        .collect(Collectors.toSet());
  }

  private static Set<String> names(String query) {
    return query == null
        ? Set.of()
        : Stream.of(query.split("&", -1))
            .map(each -> each.replaceAll("=.*", ""))
            .collect(Collectors.toSet());
  }
}
