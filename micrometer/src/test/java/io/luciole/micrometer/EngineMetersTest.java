package io.luciole.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineMetersTest {
  @TempDir Path folder;

  @Test
  void meters_showWhatTheEngineDid() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(FakeModel.write(folder, 512))
            .backend(new FakeBackend())
            .open()) {
      new EngineMeters(engine, "model", "fake").bindTo(registry);
      engine.embedAll(List.of("w1 w2", "w3", "w4"), EmbedOptions.passage());
      engine.embed("w5").cancel(true);

      assertThat(registry.get("luciole.texts.submitted").functionCounter().count()).isEqualTo(4);
      assertThat(registry.get("luciole.batches.tokens").functionCounter().count())
          .isBetween(10.0, 13.0);
      assertThat(registry.get("luciole.devices.usable").gauge().value()).isEqualTo(1);
      assertThat(registry.get("luciole.waiting.texts").tag("lane", "bulk").gauge().value())
          .isBetween(0.0, 1.0);
      assertThat(
              registry
                  .get("luciole.texts.failed")
                  .tag("kind", "cancelled")
                  .functionCounter()
                  .count())
          .isBetween(0.0, 1.0);
      assertThat(registry.get("luciole.texts.embedded").tag("model", "fake").functionCounter())
          .isNotNull();
    }
  }

  @Test
  void latencies_areTimedWithHistograms_andDevicesCountedByLane() {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(FakeModel.write(folder, 512))
            .backend(new FakeBackend().pads(true))
            .open()) {
      new EngineMeters(engine).histograms(true).bindTo(registry);
      engine.embedAll(List.of("w1 w2", "w3", "w4"), EmbedOptions.passage());
      engine.embed("w5", EmbedOptions.query()).join();
    }
    String scraped = registry.scrape();
    assertThat(count(scraped, "luciole_embed_seconds_count", "bulk", "embedded")).isEqualTo(3);
    assertThat(count(scraped, "luciole_embed_seconds_count", "interactive", "embedded"))
        .isEqualTo(1);
    assertThat(scraped).contains("luciole_embed_seconds_bucket{").contains("le=\"60.0\"");
    assertThat(count(scraped, "luciole_device_texts_total", "bulk", "cpu")).isEqualTo(3);
    assertThat(count(scraped, "luciole_device_tokens_total", "bulk", "cpu")).isEqualTo(10);
    assertThat(count(scraped, "luciole_device_tokens_total", "interactive", "cpu")).isEqualTo(3);
    assertThat(count(scraped, "luciole_device_busy_seconds_total", "cpu", "")).isPositive();
    assertThat(count(scraped, "luciole_wait_seconds_count", "", "")).isEqualTo(4);
  }

  @Test
  void batches_areTimedByDeviceAndLane() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(FakeModel.write(folder, 512))
            .backend(new FakeBackend())
            .open()) {
      new EngineMeters(engine).bindTo(registry);
      engine.embed("w5", EmbedOptions.query()).join();
      await()
          .untilAsserted(() ->
              assertThat(
                      registry
                          .find("luciole.batch")
                          .tags("device", "cpu", "lane", "interactive", "outcome", "computed")
                          .timer())
                  .isNotNull()
                  .extracting(Timer::count)
                  .isEqualTo(1L));
    }
  }

  private EmbeddingEngine open() {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(FakeModel.write(folder, 512))
        .backend(new FakeBackend())
        .open();
  }

  private static double submitted(MeterRegistry registry, String... tags) {
    return registry.get("luciole.texts.submitted").tags(tags).functionCounter().count();
  }

  /** As where a service opens its engine anew. */
  @Test
  void closed_leavesNothingInTheRegistry_andTheNextEngineIsShown() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (EmbeddingEngine first = open();
        EngineMeters meters = new EngineMeters(first)) {
      meters.bindTo(registry);
      first.embedAll(List.of("w1", "w2", "w3"), EmbedOptions.passage());
      assertThat(submitted(registry)).isEqualTo(3);
    }
    assertThat(registry.getMeters()).isEmpty();

    try (EmbeddingEngine second = open();
        EngineMeters meters = new EngineMeters(second)) {
      meters.bindTo(registry);
      second.embed("w1").join();
      assertThat(submitted(registry)).isEqualTo(1);
      assertThat(registry.get("luciole.embed").timer().count()).isEqualTo(1);
    }
    assertThat(registry.getMeters()).isEmpty();
  }

  @Test
  void closed_leavesTheMetersOfOtherEngines_andOfOtherThings() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    SimpleMeterRegistry another = new SimpleMeterRegistry();
    registry.counter("application.requests").increment();
    try (EmbeddingEngine first = open();
        EmbeddingEngine second = open()) {
      EngineMeters stay = new EngineMeters(first, "engine", "first");
      stay.bindTo(registry);
      EngineMeters again = new EngineMeters(second, "engine", "first");
      again.bindTo(registry);
      EngineMeters go = new EngineMeters(second, "engine", "second");
      go.bindTo(registry);
      go.bindTo(another);
      first.embedAll(List.of("w1", "w2"), EmbedOptions.passage());
      second.embed("w1").join();
      assertThat(submitted(registry, "engine", "second")).isEqualTo(1);

      go.close();
      go.close();
      second.embed("w1").join();

      assertThat(another.getMeters()).isEmpty();
      assertThat(registry.find("luciole.texts.submitted").tag("engine", "second").meter()).isNull();
      assertThat(registry.find("luciole.embed").tag("engine", "second").timer()).isNull();
      assertThat(submitted(registry, "engine", "first")).isEqualTo(2);
      again.close(); // its counters never got in
      assertThat(submitted(registry, "engine", "first")).isEqualTo(2);
      assertThat(registry.counter("application.requests").count()).isEqualTo(1);
      stay.close();
    }
    assertThat(registry.getMeters()).hasSize(1);
  }

  /** The value of the one line of a meter that holds both words. */
  private static double count(String scraped, String meter, String word, String other) {
    return scraped
        .lines()
        .filter(line -> line.startsWith(meter) && line.contains(word) && line.contains(other))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .reduce((a, b) -> Double.NaN)
        .orElseThrow();
  }
}
