package io.luciole.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
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
}
