package io.luciole.spring.boot;

import java.time.Duration;
import org.springframework.boot.SpringApplicationRunListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.Ordered;

/**
 * Has {@link EngineReadiness} say once more that an engine is lost, once Spring Boot has accepted
 * traffic at the end of the application's start. A listener of that event would be too early: what
 * it says would be heard by others before the event itself.
 */
final class ReadinessAfterStart implements SpringApplicationRunListener, Ordered {
  /** Called by Spring Boot, which finds this class in {@code META-INF/spring.factories}. */
  ReadinessAfterStart() {}

  @Override
  public void ready(ConfigurableApplicationContext context, Duration timeTaken) {
    if (context.isActive()) {
      context.getBeanProvider(EngineReadiness.class).ifAvailable(EngineReadiness::repeat);
    }
  }

  /** Behind Spring Boot's own. */
  @Override
  public int getOrder() {
    return Ordered.LOWEST_PRECEDENCE;
  }
}
