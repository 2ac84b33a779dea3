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
 * What a health indicator shows of the engines and the indexes that are written with them, for the
 * Spring Boots that there are.
 *
 * @param up whether every engine can work, on some devices at least, and every index can be written
 * @param details of each engine the model, the backend, the state, and each device with what is
 *     wrong with it, under the name of its bean if there are several; and why an index cannot be
 *     written any more
 */
record EngineReport(boolean up, Map<String, Object> details) {
  static EngineReport of(Map<String, EmbeddingEngine> engines, Stream<HybridIndexer> indexers) {
    Map<String, Object> details = new LinkedHashMap<>();
    if (engines.size() == 1) {
      engines.values().forEach(engine -> details.putAll(details(engine)));
    } else {
      engines.forEach((name, engine) -> details.put(name, details(engine)));
    }
    List<String> failures =
        indexers
            .flatMap(indexer -> indexer.failure().stream())
            .map(failure -> String.valueOf(failure.getMessage()))
            .toList();
    if (!failures.isEmpty()) {
      details.put("index", String.join(" ", failures));
    }
    boolean up = failures.isEmpty() && engines.values().stream().allMatch(EngineReport::canWork);
    return new EngineReport(up, details);
  }

  private static boolean canWork(EmbeddingEngine engine) {
    return switch (engine.health().state()) {
      case HEALTHY, DEGRADED -> true;
      case UNHEALTHY, CLOSED -> false;
    };
  }

  private static Map<String, Object> details(EmbeddingEngine engine) {
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
    return details;
  }
}
