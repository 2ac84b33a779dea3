package io.luciole.spring.boot;

import io.luciole.EngineBuilder;

/**
 * A bean of this type changes how {@link LucioleAutoConfiguration} opens the engine, after the
 * settings {@code luciole.*} were applied: a cache, a listener, a model of the application's own.
 * Several are called in their order.
 */
@FunctionalInterface
public interface EngineCustomizer {
  /**
   * Changes the builder.
   *
   * @param builder the builder, which is opened afterwards
   */
  void customize(EngineBuilder builder);
}
