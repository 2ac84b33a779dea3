package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.helidon.http.Method;
import io.luciole.lucene.Metadata;
import io.luciole.lucene.SourceDocument;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Puts documents into the index and deletes them. Durable from the next commit on. */
final class DocumentsApi implements Api {
  private final SearchIndex index;
  private final BulkIngestion bulk;

  @Inject
  DocumentsApi(SearchIndex index, BulkIngestion bulk) {
    this.index = index;
    this.bulk = bulk;
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.of(Method.PUT, "/v1/documents", this::putAll),
        Route.of(Method.DELETE, "/v1/documents", this::deleteAll),
        Route.of(Method.PUT, "/v1/documents/{id}", this::put),
        Route.of(Method.DELETE, "/v1/documents/{id}", this::delete),
        Route.of(Method.POST, "/v1/documents/bulk", bulk::ingest),
        Route.of(Method.POST, "/v1/commit", this::commit));
  }

  /**
   * Reads a document: BEIR's {@code _id} or else {@code id}, {@code title} and {@code text}. All
   * other fields, and the members of an object {@code metadata}, are its metadata.
   *
   * @param where what stands before the names of fields in messages, such as {@code documents[2].}
   */
  static SourceDocument parse(Exchange x, ObjectNode object, String where) {
    JsonNode id = object.has("_id") ? object.get("_id") : object.path("id");
    if (!id.isTextual() && !id.isIntegralNumber()) {
      throw JsonBodies.wrong(where + "id", "a string", id);
    }
    if (id.asText().isEmpty() || id.asText().length() > 8000) {
      throw Problem.invalid(where + "id", "Expected an id of 1 to 8000 characters.");
    }
    String title = JsonBodies.string(object, "title", "");
    String text = JsonBodies.string(object, "text");
    if (text.length() > x.limits().maxCharacters()) {
      throw Problem.tooLarge(
          where + "text",
          "A text may have "
              + x.limits().maxCharacters()
              + " characters, this one has "
              + text.length()
              + '.');
    }
    try {
      return new SourceDocument(
          id.asText(), title, text, Metadata.ofDocument(JsonBodies.plain(object)));
    } catch (IllegalArgumentException e) {
      throw Problem.invalid(where + "metadata", JsonBodies.sentence(e));
    }
  }

  private void put(Exchange x) throws Exception {
    ObjectNode body = x.json();
    body.remove("_id");
    body.put("id", x.variable("id"));
    SourceDocument document = parse(x, body, "");
    boolean replaced = await(x, index.put(document));
    x.count(1, 0);
    commitIfAsked(x);
    x.ok(result(document.id(), replaced));
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
    return written.get(x.remaining().toMillis() + 1, TimeUnit.MILLISECONDS);
  }

  private void putAll(Exchange x) throws Exception {
    ObjectNode body = x.json();
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
      documents.add(parse(x, object, "documents[" + i + "]."));
    }
    List<CompletableFuture<Boolean>> written = new ArrayList<>();
    for (SourceDocument document : documents) {
      written.add(index.put(document));
    }
    ArrayNode results = JsonBodies.array();
    int failed = 0;
    for (int i = 0; i < documents.size(); i++) {
      String id = documents.get(i).id();
      try {
        results.add(result(id, await(x, written.get(i))));
      } catch (ExecutionException e) {
        failed++;
        Problem problem = Problems.of(e);
        results.add(
            JsonBodies.object()
                .put("id", id)
                .put("result", "failed")
                .put("status", problem.status())
                .put("error", problem.text()));
      }
    }
    x.count(documents.size(), 0);
    commitIfAsked(x);
    ObjectNode root = JsonBodies.object().put("failed", failed);
    root.set("results", results);
    x.ok(root);
  }

  private void delete(Exchange x) {
    boolean there = index.delete(x.variable("id"));
    commitIfAsked(x);
    x.ok(JsonBodies.object().put("id", x.variable("id")).put("result", resultOfDelete(there)));
  }

  private void deleteAll(Exchange x) throws Exception {
    ObjectNode body = x.json();
    JsonBodies.requireKnown(body, "ids", "filter");
    if (body.has("ids") && body.has("filter")) {
      throw Problem.invalid("filter", "Expected either \"ids\" or \"filter\", found both.");
    }
    long deleted =
        body.has("filter")
            ? index.delete(RequestOptions.filter(body.get("filter"), index.searcher().schema()))
            : JsonBodies.strings(body.path("ids"), "ids").stream().filter(index::delete).count();
    commitIfAsked(x);
    x.ok(JsonBodies.object().put("deleted", deleted));
  }

  private void commitIfAsked(Exchange x) {
    if ("true".equals(x.query("commit"))) {
      index.commit();
    }
  }

  private void commit(Exchange x) {
    index.commit();
    x.ok(
        JsonBodies.object()
            .put("result", "committed")
            .put("documents", index.searcher().documents()));
  }
}
