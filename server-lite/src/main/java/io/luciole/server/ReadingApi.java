package io.luciole.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.helidon.http.Method;
import io.luciole.lucene.DocumentReader;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.SourceDocument;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/** Reads documents without a query: one, pages of them, all, or their number. */
final class ReadingApi implements Api {
  private static final int DEFAULT_LIMIT = 100;
  private static final int MAX_LIMIT = 1000;

  private final Indexes indexes;

  @Inject
  ReadingApi(Indexes indexes) {
    this.indexes = indexes;
  }

  @Override
  public List<Route> routes() {
    List<Route> routes = new ArrayList<>();
    for (String base : IndexesApi.BASES) {
      routes.add(Route.of(Method.GET, base + "/documents/{+id}", this::get));
      routes.add(
          Route.of(Method.GET, base + "/documents", this::get)
              .withQuery(BodyFields.strict("id", "limit", "cursor", "filter")));
      routes.add(
          Route.of(Method.POST, base + "/documents/count", this::count)
              .withAccess(Route.Access.SEARCH));
      routes.add(
          Route.of(Method.POST, base + "/documents/export", this::export)
              .withAccess(Route.Access.SEARCH));
    }
    return routes.stream().map(route -> route.with(indexes.ofIndex(route.handling()))).toList();
  }

  private void get(Exchange x) {
    String id = DocumentsApi.id(x);
    if (id != null) {
      get(x, id);
    } else {
      list(x);
    }
  }

  private void get(Exchange x, String id) {
    SourceDocument document =
        indexes
            .of(x)
            .live()
            .search(searcher -> new DocumentReader(searcher).find(id))
            .orElseThrow(() ->
                new Problem(
                    404,
                    "document_not_found",
                    "There is no document of this id; one that was put is seen after a second.",
                    "id",
                    0));
    x.ok(DocumentBodies.write(document));
  }

  /** Lists documents by their ids, so that a cursor is the last id of the page before. */
  private void list(Exchange x) {
    SearchIndex index = indexes.of(x);
    int limit = limit(x.query("limit"));
    String after = after(x.query("cursor"));
    String text = x.query("filter");
    ObjectNode body = JsonBodies.object();
    if (text != null) {
      body.set(
          "filter", JsonBodies.parseObject(text.getBytes(UTF_8), x.body().memory()::takeValues));
    }
    Query filter = filter(body, index.live().schema());
    List<SourceDocument> page =
        index.live().search(searcher -> new DocumentReader(searcher).list(after, limit, filter));
    ObjectNode root = JsonBodies.object();
    ArrayNode documents = root.putArray("documents");
    page.forEach(document -> documents.add(DocumentBodies.write(document)));
    root.put("cursor", page.size() < limit ? null : cursor(page.get(page.size() - 1).id()));
    x.ok(root);
  }

  private static int limit(@Nullable String text) {
    if (text == null) {
      return DEFAULT_LIMIT;
    }
    try {
      int limit = Integer.parseInt(text);
      if (limit >= 1 && limit <= MAX_LIMIT) {
        return limit;
      }
    } catch (NumberFormatException e) {
      // The same message tells what is expected.
    }
    throw Problem.invalid(
        "limit", "Expected a whole number from 1 to " + MAX_LIMIT + " as \"limit\".");
  }

  private static String cursor(String id) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(id.getBytes(UTF_8));
  }

  private static String after(@Nullable String cursor) {
    try {
      return cursor == null ? "" : new String(Base64.getUrlDecoder().decode(cursor), UTF_8);
    } catch (IllegalArgumentException e) {
      throw Problem.invalid("cursor", "Expected the \"cursor\" of the page before, found another.");
    }
  }

  private static Query filter(ObjectNode body, HybridSchema schema) {
    return body.hasNonNull("filter")
        ? RequestOptions.filter(body.get("filter"), schema)
        : DocumentReader.all();
  }

  /** The body of a request that may have none. */
  private static ObjectNode optionalBody(Exchange x) {
    ObjectNode body = x.request().content().hasEntity() ? x.json() : JsonBodies.object();
    JsonBodies.requireKnown(body, "filter");
    return body;
  }

  private void count(Exchange x) {
    SearchIndex index = indexes.of(x);
    Query filter = filter(optionalBody(x), index.live().schema());
    int count = index.live().search(searcher -> searcher.count(filter));
    x.ok(JsonBodies.object().put("count", count));
  }

  /** Sends all documents, as of one moment, in the form that a bulk ingestion takes. */
  private void export(Exchange x) throws IOException {
    SearchIndex index = indexes.of(x);
    Query filter = filter(optionalBody(x), index.live().schema());
    // Not closed if something fails: the connection is then cut, and the client knows.
    OutputStream out = x.sendStream("application/x-ndjson");
    boolean unused =
        index
            .live()
            .search(searcher -> {
              new DocumentReader(searcher).forEach(filter, document -> write(document, out));
              return true;
            });
    out.close();
  }

  private static void write(SourceDocument document, OutputStream out) {
    try {
      out.write(JsonBodies.line(DocumentBodies.write(document)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
