package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.helidon.common.uri.UriEncoding;
import io.helidon.http.Method;
import io.luciole.lucene.SourceDocument;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Puts documents into an index and deletes them. Durable from the next commit on. */
final class DocumentsApi implements Api {
  private static final Pattern WITH_ID =
      Pattern.compile("/v1(?:/indexes/[^/]+)?/documents/(.*)", Pattern.DOTALL);

  private final Indexes indexes;
  private final DocumentBodies bodies;
  private final BulkIngestion bulk;

  @Inject
  DocumentsApi(Indexes indexes, DocumentBodies bodies, BulkIngestion bulk) {
    this.indexes = indexes;
    this.bodies = bodies;
    this.bulk = bulk;
  }

  @Override
  public List<Route> routes() {
    List<Route> routes = new ArrayList<>();
    for (String base : IndexesApi.BASES) {
      String one = base + "/documents/{+id}";
      String all = base + "/documents";
      BodyFields byId = Durability.names("id");
      routes.add(Route.of(Method.PUT, all, this::putAll).withQuery(byId));
      routes.add(Route.of(Method.DELETE, all, this::delete).withQuery(byId));
      routes.add(Route.of(Method.PUT, one, this::put).withQuery(Durability.names()));
      routes.add(Route.of(Method.DELETE, one, this::delete).withQuery(Durability.names()));
      routes.add(
          Route.of(Method.POST, all + "/bulk", bulk::ingest)
              .withQuery(Durability.names("results")));
      routes.add(Route.of(Method.POST, base + "/commit", this::commit));
    }
    return routes.stream().map(route -> route.with(indexes.ofIndex(route.handling()))).toList();
  }

  /**
   * The id that a request names in its path or as {@code ?id=}; null if it names none. In the path
   * a slash is a part of the id, whether it is encoded or a proxy has decoded it.
   *
   * @throws Problem if it names one in both places, or an empty one
   */
  static @Nullable String id(Exchange x) {
    String inPath = x.request().path().pathParameters().first("id").orElse(null);
    String inQuery = x.query("id");
    if (inPath != null && inQuery != null) {
      throw Problem.invalid("id", "Expected an id in the path or as ?id=, found both.");
    }
    String id = inPath == null ? inQuery : asSent(x, inPath);
    if (id != null && id.isEmpty()) {
      throw Problem.invalid("id", "Expected an id of at least one character.");
    }
    return id;
  }

  /** The id in the path as it was sent: for routing, double slashes and dots are simplified. */
  private static String asSent(Exchange x, String simplified) {
    Matcher path = WITH_ID.matcher(x.request().path().rawPath());
    return path.matches() ? UriEncoding.decodeUri(path.group(1)) : simplified;
  }

  private void put(Exchange x) throws Exception {
    SearchIndex index = indexes.of(x);
    Durability durability = Durability.of(x);
    ObjectNode body = withId(x.json(), id(x));
    SourceDocument document = bodies.read(body, "");
    boolean replaced = await(x, index.put(document));
    x.count(1, 0);
    answer(x, index, durability, result(document.id(), replaced));
  }

  /** A document's body under the id of the request, which one in the body must not contradict. */
  private static ObjectNode withId(ObjectNode body, @Nullable String id) {
    for (String field : List.of("_id", "id")) {
      JsonNode inBody = body.path(field);
      if (!inBody.isMissingNode() && !inBody.isNull() && !inBody.asText().equals(id)) {
        throw Problem.invalid(
            field,
            "Expected no id in the body, or that of the request's path or ?id=, found another.");
      }
    }
    body.remove("_id");
    return body.put("id", id);
  }

  private static ObjectNode result(String id, boolean replaced) {
    return JsonBodies.object().put("id", id).put("result", resultOfPut(replaced));
  }

  /** The word for what putting a document did. */
  static String resultOfPut(boolean replaced) {
    return replaced ? "replaced" : "created";
  }

  /** The word for what deleting a document did. */
  static String resultOfDelete(boolean there) {
    return there ? "deleted" : "not_found";
  }

  private static boolean await(Exchange x, CompletableFuture<Boolean> written) throws Exception {
    return written.get(millisLeft(x), TimeUnit.MILLISECONDS);
  }

  private static long millisLeft(Exchange x) throws TimeoutException {
    return x.remaining().toMillis() + 1;
  }

  /** Answers once what was written is as durable as the request asks. */
  private static void answer(Exchange x, SearchIndex index, Durability durability, ObjectNode body)
      throws Exception {
    if (durability.isAsked()) {
      durability.settle(index, millisLeft(x));
      body.put("committed", true);
    }
    x.ok(body);
  }

  private void putAll(Exchange x) throws Exception {
    if (id(x) != null) {
      put(x);
      return;
    }
    SearchIndex index = indexes.of(x);
    Durability durability = Durability.of(x);
    index.requireRoom();
    List<SourceDocument> documents = readAll(x);
    List<CompletableFuture<Boolean>> written = new ArrayList<>();
    for (SourceDocument document : documents) {
      written.add(BulkIngestion.put(index, document));
    }
    ArrayNode results = JsonBodies.array();
    int failed = 0;
    for (int i = 0; i < documents.size(); i++) {
      String id = documents.get(i).id();
      try {
        results.add(result(id, await(x, written.get(i))));
      } catch (ExecutionException e) {
        failed++;
        Problem problem = indexes.problem(x, e);
        results.add(
            JsonBodies.object()
                .put("id", id)
                .put("result", "failed")
                .put("status", problem.status())
                .put("error", problem.text()));
      }
    }
    x.count(documents.size(), 0);
    ObjectNode root = JsonBodies.object().put("failed", failed);
    root.set("results", results);
    answer(x, index, durability, root);
  }

  private List<SourceDocument> readAll(Exchange x) {
    ObjectNode body = x.json();
    JsonBodies.requireKnown(body, "documents");
    JsonNode list = body.path("documents");
    if (!list.isArray() || list.isEmpty()) {
      throw JsonBodies.wrong("documents", "an array of documents", list);
    }
    if (list.size() > x.limits().maxTexts()) {
      throw Problem.tooLarge(
          "documents",
          "A request may have "
              + x.limits().maxTexts()
              + " documents; POST /v1/documents/bulk takes any number.");
    }
    List<SourceDocument> documents = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      if (!(list.get(i) instanceof ObjectNode object)) {
        throw JsonBodies.wrong("documents[" + i + ']', "an object", list.get(i));
      }
      documents.add(bodies.read(object, "documents[" + i + "]."));
    }
    return documents;
  }

  private void delete(Exchange x, String id) throws Exception {
    requireNoSelection(x);
    SearchIndex index = indexes.of(x);
    Durability durability = Durability.of(x);
    boolean there = index.live().delete(id);
    answer(
        x,
        index,
        durability,
        JsonBodies.object().put("id", id).put("result", resultOfDelete(there)));
  }

  private void delete(Exchange x) throws Exception {
    String id = id(x);
    if (id != null) {
      delete(x, id);
    } else {
      deleteAll(x);
    }
  }

  /** Refuses a body that says what to delete beside the id of the path or query string. */
  private static void requireNoSelection(Exchange x) {
    if (x.request().content().hasEntity() && !x.json().isEmpty()) {
      throw Problem.invalid("id", "Expected an id in the path or as ?id=, or a body, found both.");
    }
  }

  private void deleteAll(Exchange x) throws Exception {
    SearchIndex index = indexes.of(x);
    Durability durability = Durability.of(x);
    ObjectNode body = x.json();
    JsonBodies.requireKnown(body, "ids", "filter");
    if (body.has("ids") && body.has("filter")) {
      throw Problem.invalid("filter", "Expected either \"ids\" or \"filter\", found both.");
    }
    long deleted =
        body.has("filter")
            ? index.live().delete(RequestOptions.filter(body.get("filter"), index.live().schema()))
            : ids(body).stream().filter(index.live()::delete).count();
    answer(x, index, durability, JsonBodies.object().put("deleted", deleted));
  }

  private static List<String> ids(ObjectNode body) {
    List<String> ids = JsonBodies.strings(body.path("ids"), "ids");
    for (int i = 0; i < ids.size(); i++) {
      DocumentBodies.requireCharacters(ids.get(i), "ids[" + i + ']');
    }
    return ids;
  }

  private void commit(Exchange x) {
    SearchIndex index = indexes.of(x);
    index.live().commit();
    x.ok(JsonBodies.object().put("result", "committed").put("documents", index.documents()));
  }
}
