package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;

/**
 * The engines that are beans. They are asked for one by one: where a bean is itself a map or a list
 * and is called as a parameter is, Spring would inject that in place of the beans of a type.
 */
final class EngineBeans {
  private EngineBeans() {}

  /** The singletons that Spring injects, but for mocks, by the names of their beans. */
  static Map<String, EmbeddingEngine> byName(
      ListableBeanFactory beans, ObjectProvider<EmbeddingEngine> engines) {
    List<EmbeddingEngine> injected = engines.stream().toList();
    Map<String, EmbeddingEngine> byName = new LinkedHashMap<>();
    // Singletons alone: asking for another would open one more.
    BeanFactoryUtils.beansOfTypeIncludingAncestors(beans, EmbeddingEngine.class, false, true)
        .forEach((name, engine) -> {
          if (injected.stream().anyMatch(each -> each == engine) && !isMock(engine)) {
            byName.put(name, engine);
          }
        });
    return byName;
  }

  /** Whether an engine is the mock of a test of the application's, which has no health. */
  static boolean isMock(EmbeddingEngine engine) {
    EngineHealth health = engine.health();
    return health == null || health.state() == null;
  }
}
