package io.luciole.server;

import io.luciole.EngineListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.DoubleStream;

/**
 * What text-embeddings-inference and Infinity publish, under their names, for dashboards that were
 * made for them. Those of Infinity are its web framework's. Safe for use by many threads.
 */
final class OthersMeters {
  /** Text-embeddings-inference's: 35 buckets from 15 µs to 15 s, each half as large again. */
  private static final double[] SECONDS =
      DoubleStream.iterate(1.5e-5, bound -> bound * 1.5).limit(35).toArray();

  private static final double[] POWERS_OF_TWO =
      DoubleStream.iterate(1, bound -> bound * 2).limit(21).toArray();

  /** Infinity's. */
  private static final Duration[] HANDLER_BOUNDS = {
    Duration.ofMillis(100), Duration.ofMillis(500), Duration.ofSeconds(1)
  };

  private static final String OF_TEI = "As text-embeddings-inference's meter of this name";
  private static final String OF_INFINITY = "As Infinity's meter of this name";

  private final MeterRegistry registry;
  private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();
  private final DistributionSummary requestDuration;
  private final DistributionSummary inputLength;

  OthersMeters(MeterRegistry registry, ServedModels models) {
    this.registry = registry;
    requestDuration = summary("te_request_duration", SECONDS);
    inputLength = summary("te_request_input_length", POWERS_OF_TWO);
    List<ServedModel> all = models.all();
    Gauge.builder("te_queue_size", all, OthersMeters::waiting)
        .description(OF_TEI)
        .register(registry);
    Texts texts = new Texts();
    all.forEach(model -> model.engine().addListener(texts));
  }

  private static double waiting(List<ServedModel> models) {
    return models.stream()
        .mapToLong(model ->
            model.engine().stats().interactive().texts() + model.engine().stats().bulk().texts())
        .sum();
  }

  /** The names have no unit and the counters no {@code _total}, as those servers have them. */
  private DistributionSummary summary(String name, double[] bounds) {
    return DistributionSummary.builder(name)
        .description(OF_TEI)
        .serviceLevelObjectives(bounds)
        .register(registry);
  }

  private void count(String name, String tag, String value) {
    counts
        .computeIfAbsent(
            name + value,
            made -> {
              LongAdder count = new LongAdder();
              Gauge.builder(name, count, LongAdder::doubleValue)
                  .description(OF_TEI)
                  .tags(tag.isEmpty() ? Tags.empty() : Tags.of(tag, value))
                  .register(registry);
              return count;
            })
        .increment();
  }

  /** Records an answer. */
  void record(Route route, int status, Exchange x) {
    double seconds = x.elapsedNanos() / 1e9;
    Tags handler = Tags.of("handler", route.path(), "method", route.method().text());
    Counter.builder("http.requests")
        .description(OF_INFINITY)
        .tags(handler.and("status", status / 100 + "xx"))
        .register(registry)
        .increment();
    Timer.builder("http.request.duration")
        .description(OF_INFINITY)
        .tags(handler)
        .serviceLevelObjectives(HANDLER_BOUNDS)
        .register(registry)
        .record(x.elapsedNanos(), TimeUnit.NANOSECONDS);
    if (!route.limited()) {
      return;
    }
    String method = x.texts() > 1 ? "batch" : "single";
    count("te_request_count", "method", method);
    if (status < 300) {
      count("te_request_success", "method", method);
    } else {
      count("te_request_failure", "err", failure(status));
    }
    if (x.texts() > 0) {
      requestDuration.record(seconds);
      inputLength.record((double) x.tokens() / x.texts());
    }
  }

  private static String failure(int status) {
    return switch (status) {
      case 429 -> "overloaded";
      case 424, 500, 507 -> "inference";
      case 499, 503, 504 -> "dropped";
      default -> "validation";
    };
  }

  /** Records texts and batches of an engine. */
  private final class Texts implements EngineListener {
    private final DistributionSummary embedDuration = summary("te_embed_duration", SECONDS);
    private final DistributionSummary queueDuration = summary("te_request_queue_duration", SECONDS);
    private final DistributionSummary inferenceDuration =
        summary("te_request_inference_duration", SECONDS);
    private final DistributionSummary batchSize = summary("te_batch_next_size", POWERS_OF_TWO);
    private final DistributionSummary batchTokens = summary("te_batch_next_tokens", POWERS_OF_TWO);

    @Override
    public void onText(Text text) {
      count("te_embed_count", "", "");
      if (text.failure().isEmpty()) {
        count("te_embed_success", "", "");
        embedDuration.record(text.latency().toNanos() / 1e9);
      }
    }

    @Override
    public void onBatch(Batch batch) {
      batchSize.record(batch.texts());
      batchTokens.record(batch.tokens());
      queueDuration.record(batch.longestWait().toNanos() / 1e9);
      inferenceDuration.record(batch.run().toNanos() / 1e9);
    }
  }
}
