package io.luciole.server;

import com.google.inject.Inject;
import io.luciole.micrometer.EngineMeters;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The server's Micrometer meters: its requests, the engines, the index and the JVM. */
final class HttpMeters implements AutoCloseable {
  /** The ends of the histogram's buckets: few, since there is one of each route and status. */
  private static final Duration[] BUCKETS =
      IntStream.of(1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)
          .mapToObj(Duration::ofMillis)
          .toArray(Duration[]::new);

  private final MeterRegistry registry;
  private final JvmGcMetrics gc = new JvmGcMetrics();
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
    indexes.addWatcher(new ServedIndexMeters(registry, indexes));
    new ClassLoaderMetrics().bindTo(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    gc.bindTo(registry);
    Gauge.builder("luciole.http.requests.active", limiter, RequestLimiter::requests)
        .description("Requests under way, but for those that manage the server")
        .register(registry);
    Gauge.builder("luciole.http.tokens.waiting", limiter, RequestLimiter::tokens)
        .description("Tokens of the requests under way that wait for the model, estimated")
        .register(registry);
    Gauge.builder("luciole.http.body.memory", limiter, l -> l.bodies().taken())
        .description("Memory that the bodies of the requests under way hold")
        .baseUnit("bytes")
        .register(registry);
    FunctionCounter.builder("luciole.http.refused", limiter, RequestLimiter::refused)
        .description("Requests that were refused since too much was under way")
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
        .description("Time of a request, from its head to its answer")
        .serviceLevelObjectives(BUCKETS)
        .tag("method", route.method().text())
        .tag("route", route.path())
        .tag("status", Integer.toString(status))
        .register(registry)
        .record(x.elapsedNanos(), TimeUnit.NANOSECONDS);
    if (others != null) {
      others.record(route, status, x);
    }
    if (x.texts() > 0) {
      count("luciole.http.texts", "Texts of requests", route, x.texts());
      count("luciole.http.tokens", "Tokens of requests' texts", route, (double) x.tokens());
    }
  }

  private void count(String name, String help, Route route, double more) {
    Counter.builder(name)
        .description(help)
        .tag("route", route.path())
        .register(registry)
        .increment(more);
  }

  /** Ends what follows the JVM's garbage collections. */
  @Override
  public void close() {
    gc.close();
  }
}
