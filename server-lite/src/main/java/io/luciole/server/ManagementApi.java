package io.luciole.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineStats;
import io.luciole.lucene.IndexUnavailableException;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Health, meters, statistics, and the OpenAPI document. */
final class ManagementApi implements Api {
  private static final Logger log = LoggerFactory.getLogger(ManagementApi.class);

  private final ServerConfig config;
  private final ServedModels models;
  private final Readiness readiness;
  private final Gateway gateway;
  private final PrometheusMeterRegistry registry;
  private final Indexes indexes;

  @Inject
  ManagementApi(
      ServerConfig config,
      ServedModels models,
      Readiness readiness,
      Gateway gateway,
      PrometheusMeterRegistry registry,
      Indexes indexes) {
    this.config = config;
    this.models = models;
    this.readiness = readiness;
    this.gateway = gateway;
    this.registry = registry;
    this.indexes = indexes;
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.management(
            "/health/live",
            Route.Access.OPEN,
            x -> x.ok(JsonBodies.object().put("status", "live"))),
        Route.management("/health/ready", Route.Access.OPEN, this::ready),
        Route.management("/health", Route.Access.OPEN, this::ready),
        Route.management("/ping", Route.Access.OPEN, this::ready),
        Route.management(
            "/metrics",
            config.operations().openMetrics() ? Route.Access.OPEN : Route.Access.METRICS,
            this::metrics),
        Route.management("/v1/stats", Route.Access.KEY, this::stats),
        Route.management("/openapi.json", Route.Access.OPEN, this::openApi));
  }

  private void ready(Exchange x) {
    String problem =
        gateway.isEnding() ? "the server is shutting down" : readiness.reasonNotReady();
    if (problem == null) {
      x.ok(JsonBodies.object().put("status", "ready"));
    } else {
      ObjectNode root = JsonBodies.object().put("status", "not ready").put("reason", problem);
      x.send(503, "application/json", JsonBodies.bytes(root));
    }
  }

  private void metrics(Exchange x) {
    x.send(
        200,
        "text/plain; version=0.0.4; charset=utf-8",
        registry.scrape().getBytes(StandardCharsets.UTF_8));
  }

  private void stats(Exchange x) {
    ObjectNode root = JsonBodies.object();
    describe(models.standard(), root);
    ArrayNode all = root.putArray("models");
    models.all().forEach(model -> describe(model, all.addObject()));
    root.putNull("index");
    indexes.find(Indexes.DEFAULT).ifPresent(index -> describe(index, root));
    x.ok(root);
  }

  /** Adds {@code index} to an object, unless the index is closed meanwhile. */
  private static void describe(SearchIndex index, ObjectNode root) {
    ObjectNode description = JsonBodies.object();
    try {
      index.describe(description);
      root.set("index", description);
    } catch (IndexUnavailableException e) {
      log.debug("The index \"{}\" was closed while it was described", index.name(), e);
    }
  }

  /** Adds {@code model} and {@code engine} to an object. */
  private static void describe(ServedModel model, ObjectNode root) {
    EmbeddingEngine engine = model.engine();
    EngineStats stats = engine.stats();
    EngineHealth health = engine.health();
    root.putObject("model")
        .put("name", model.name())
        .put("outputs", RequestOptions.ids(engine.backend().outputs()))
        .put("dimension", engine.backend().dimension())
        .put("max_tokens", engine.description().maxTokens())
        .put("backend", engine.backend().version())
        .put("device", engine.backend().device().toString())
        .put("precision", engine.backend().precision());
    root.putObject("engine")
        .put("state", health.state().name().toLowerCase(Locale.ROOT))
        .put("submitted", stats.submitted())
        .put("embedded", stats.embedded())
        .put("failed", stats.failed())
        .put("waiting_texts", stats.interactive().texts() + stats.bulk().texts())
        .put("waiting_tokens", stats.interactive().tokens() + stats.bulk().tokens())
        .put("batches", stats.batches())
        .put("tokens_per_batch", stats.tokensPerBatch())
        .put("padding_share", stats.paddingShare())
        .put("busy_share", stats.busyShare())
        .put("mean_wait_ms", stats.meanWait().toNanos() / 1e6);
  }

  private void openApi(Exchange x) throws IOException {
    x.ok(Resources.read("openapi.json"));
  }
}
