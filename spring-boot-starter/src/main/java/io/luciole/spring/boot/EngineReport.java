package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineHealth.DeviceHealth;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a health indicator shows of an engine, for the Spring Boots that there are.
 *
 * @param up whether the engine can work, on some devices at least
 * @param details the model, the backend, the state and each device with what is wrong with it
 */
record EngineReport(boolean up, Map<String, Object> details) {
  static EngineReport of(EmbeddingEngine engine) {
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
    return new EngineReport(up, details);
  }
}
