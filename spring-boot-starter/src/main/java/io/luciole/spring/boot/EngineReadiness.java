package io.luciole.spring.boot;

import io.luciole.EngineHealth;
import io.luciole.EngineListener;
import java.util.concurrent.atomic.AtomicBoolean;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationContext;

/**
 * Tells Spring Boot that the application refuses traffic while the engine has no usable device, so
 * that its readiness probe fails. It takes back only what it said itself.
 */
final class EngineReadiness implements EngineListener {
  private final ApplicationContext context;
  private final AtomicBoolean refusing = new AtomicBoolean();

  EngineReadiness(ApplicationContext context) {
    this.context = context;
  }

  @Override
  public void onHealth(EngineHealth health) {
    boolean unusable = health.state() == EngineHealth.State.UNHEALTHY;
    if (refusing.compareAndSet(!unusable, unusable)) {
      AvailabilityChangeEvent.publish(
          context, unusable ? ReadinessState.REFUSING_TRAFFIC : ReadinessState.ACCEPTING_TRAFFIC);
    }
  }
}
