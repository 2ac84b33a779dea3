package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineListener;
import java.util.HashSet;
import java.util.Set;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Tells Spring Boot that the application refuses traffic while any engine that is a bean has no
 * usable device, so that its readiness probe fails. It takes back only what it said itself.
 *
 * <p>It follows each engine from when the bean is made, so that lazy beans stay lazy. Spring Boot
 * itself accepts traffic when the application has started, whatever was said before; {@link
 * ReadinessAfterStart} then has this said again.
 */
final class EngineReadiness implements BeanPostProcessor {
  private final ApplicationContext context;

  /** The engines without a usable device; guarded by this, as is the order of what is told. */
  private final Set<EmbeddingEngine> unhealthy = new HashSet<>();

  EngineReadiness(ApplicationContext context) {
    this.context = context;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (bean instanceof EmbeddingEngine engine && !EngineBeans.isMock(engine)) {
      engine.addListener(
          new EngineListener() {
            @Override
            public void onHealth(EngineHealth health) {
              follow(engine);
            }
          });
      follow(engine);
    }
    return bean;
  }

  /** Asks the engine itself, since what listeners are told can come in any order. */
  private synchronized void follow(EmbeddingEngine engine) {
    boolean refusing = !unhealthy.isEmpty();
    if (engine.health().state() == EngineHealth.State.UNHEALTHY) {
      unhealthy.add(engine);
    } else {
      unhealthy.remove(engine);
    }
    boolean refuses = !unhealthy.isEmpty();
    if (refuses != refusing) {
      tell(refuses ? ReadinessState.REFUSING_TRAFFIC : ReadinessState.ACCEPTING_TRAFFIC);
    }
  }

  /** Says again that traffic is refused, if it is; somebody else has said otherwise meanwhile. */
  synchronized void repeat() {
    if (!unhealthy.isEmpty()) {
      tell(ReadinessState.REFUSING_TRAFFIC);
    }
  }

  private void tell(ReadinessState state) {
    // While the application ends, Spring Boot refuses traffic itself.
    if (!(context instanceof ConfigurableApplicationContext ending) || !ending.isClosed()) {
      AvailabilityChangeEvent.publish(context, state);
    }
  }
}
