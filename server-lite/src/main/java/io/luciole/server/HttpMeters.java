package io.luciole.server;

import com.google.inject.Inject;
import io.luciole.micrometer.EngineMeters;
import io.luciole.micrometer.IndexMeters;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The server's Micrometer meters: its requests, the engines, the index and the JVM. */
final class HttpMeters {
  private final MeterRegistry registry;
  private final @Nullable OthersMeters others;

  @Inject
  HttpMeters(
      MeterRegistry registry,
      ServerConfig config,
      ServedModels models,
      Indexes indexes,
      RequestLimiter limiter) {
    this.registry = registry;
    others = config.compatibility().othersMeters() ? new OthersMeters(registry, models) : null;
    for (ServedModel model : models.all()) {
      new EngineMeters(model.engine(), "model", model.name()).histograms(true).bindTo(registry);
    }
    indexes.addListener(name -> new IndexMeters(registry, true, "index", name));
    new ClassLoaderMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    Gauge.builder("luciole.http.requests.active", limiter, RequestLimiter::requests)
        .register(registry);
    Gauge.builder("luciole.http.tokens.waiting", limiter, RequestLimiter::tokens)
        .register(registry);
    FunctionCounter.builder("luciole.http.refused", limiter, RequestLimiter::refused)
        .register(registry);
  }

  /** Records that the web server refused what is no proper HTTP. */
  void recordRefused(int status) {
    Counter.builder("luciole.http.malformed")
        .description("Requests that are no proper HTTP, by the status they were refused with")
        .tag("status", Integer.toString(status))
        .register(registry)
        .increment();
  }

  /** Records an answer. Tags name the route, not the path, so that their number is bounded. */
  void record(Route route, int status, Exchange x) {
    Timer.builder("luciole.http.requests")
        .tag("method", route.method().text())
        .tag("route", route.path())
        .tag("status", Integer.toString(status))
        .register(registry)
        .record(x.elapsedNanos(), TimeUnit.NANOSECONDS);
    if (others != null) {
      others.record(route, status, x);
    }
    if (x.texts() > 0) {
      registry.counter("luciole.http.texts", "route", route.path()).increment(x.texts());
      registry.counter("luciole.http.tokens", "route", route.path()).increment((double) x.tokens());
    }
  }
}
