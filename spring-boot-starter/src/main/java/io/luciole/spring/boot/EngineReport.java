package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineHealth.DeviceHealth;
import io.luciole.lucene.HybridIndexer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a health indicator shows of an engine and the indexes that are written with it, for the
 * Spring Boots that there are.
 *
 * @param up whether the engine can work, on some devices at least, and every index can be written
 * @param details the model, the backend, the state, each device with what is wrong with it, and why
 *     an index cannot be written any more
 */
record EngineReport(boolean up, Map<String, Object> details) {
  static EngineReport of(EmbeddingEngine engine, Stream<HybridIndexer> indexers) {
    EngineHealth health = engine.health();
    Map<String, Object> devices = new LinkedHashMap<>();
    for (DeviceHealth device : health.devices()) {
      devices.put(device.device().toString(), device.problem().orElse("usable"));
    }
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("model", engine.modelName());
    details.put("backend", engine.backend().backend());
    details.put("state", health.state().name());
    details.put("devices", devices);
    boolean up =
        switch (health.state()) {
          case HEALTHY, DEGRADED -> true;
          case UNHEALTHY, CLOSED -> false;
        };
    List<String> failures =
        indexers
            .flatMap(indexer -> indexer.failure().stream())
            .map(failure -> String.valueOf(failure.getMessage()))
            .toList();
    if (!failures.isEmpty()) {
      details.put("index", String.join(" ", failures));
    }
    return new EngineReport(up && failures.isEmpty(), details);
  }
}
