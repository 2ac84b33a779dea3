package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.helidon.http.Method;
import io.luciole.lucene.IndexUnavailableException;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lists, describes, makes and deletes indexes. */
final class IndexesApi implements Api {
  /** Where the operations on an index are: the default one, and one by its name. */
  static final List<String> BASES = List.of("/v1", "/v1/indexes/{index}");

  private static final Logger log = LoggerFactory.getLogger(IndexesApi.class);

  private final Indexes indexes;

  @Inject
  IndexesApi(Indexes indexes) {
    this.indexes = indexes;
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.of(Method.GET, "/v1/indexes", this::list),
        Route.of(Method.GET, "/v1/index", indexes.ofIndex(this::get)),
        Route.of(Method.PUT, "/v1/index", this::put),
        Route.of(Method.DELETE, "/v1/index", this::delete),
        Route.of(Method.GET, "/v1/indexes/{index}", indexes.ofIndex(this::get)),
        Route.of(Method.PUT, "/v1/indexes/{index}", this::put),
        Route.of(Method.DELETE, "/v1/indexes/{index}", this::delete));
  }

  private void list(Exchange x) {
    ObjectNode root = JsonBodies.object();
    SortedMap<String, ObjectNode> byName = new TreeMap<>();
    for (SearchIndex index : indexes.all()) {
      try {
        byName.put(
            index.name(),
            JsonBodies.object()
                .put("name", index.name())
                .put("model", index.model().name())
                .put("documents", index.documents())
                .put("state", index.state()));
      } catch (IndexUnavailableException e) {
        log.debug("The index \"{}\" was closed while indexes were listed", index.name(), e);
      } catch (RuntimeException e) {
        log.warn("The index \"{}\" cannot be described", index.name(), e);
        byName.put(index.name(), failed(index.name(), Problems.of(e).text()));
      }
    }
    for (UnopenedIndex index : indexes.unopened()) {
      byName.put(index.name(), failed(index.name(), index.problem()));
    }
    root.putArray("indexes").addAll(byName.values());
    x.ok(root);
  }

  private static ObjectNode failed(String name, String problem) {
    return JsonBodies.object().put("name", name).put("state", "failed").put("problem", problem);
  }

  private void get(Exchange x) {
    ObjectNode root = JsonBodies.object();
    indexes.of(x).describe(root);
    x.ok(root);
  }

  private void put(Exchange x) {
    ObjectNode body = x.request().content().hasEntity() ? x.json() : JsonBodies.object();
    Indexes.Made made = indexes.make(Indexes.name(x), body);
    ObjectNode root =
        JsonBodies.object()
            .put("name", made.index().name())
            .put("model", made.index().model().name())
            .put("result", made.created() ? "created" : "exists");
    root.set("schema", IndexSpec.describe(made.index().live().schema()));
    x.ok(root);
  }

  private void delete(Exchange x) {
    indexes.delete(x);
    x.ok(JsonBodies.object().put("name", Indexes.name(x)).put("result", "deleted"));
  }
}
