package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineHealth.State;
import io.luciole.EngineListener;
import io.luciole.model.ModelSource;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.luciole.testkit.Fault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.GenericApplicationContext;

/** What readiness follows where an application opens its engines itself. */
class EngineReadinessTest {
  @TempDir private Path folder;

  private final FakeBackend first = new FakeBackend();
  private final FakeBackend second = new FakeBackend();

  /** Every state that was told, in order. */
  private final List<Object> told = new CopyOnWriteArrayList<>();

  /** What an engine told last; a listener that was added before this one has been told, too. */
  private final Map<EmbeddingEngine, State> heard = new ConcurrentHashMap<>();

  private EmbeddingEngine open(FakeBackend backend) {
    ModelSource model = FakeModel.write(folder, 512);
    return EmbeddingEngine.builder()
        .model(model)
        .backend(backend)
        .reopenDelay(Duration.ofMillis(10))
        .open();
  }

  private void lose(FakeBackend backend, EmbeddingEngine engine) {
    backend.onOpen(n -> {
      throw new IllegalStateException("no device");
    });
    backend.faults(Fault.throwing(batch -> true));
    assertThat(engine.embed("w1")).failsWithin(Duration.ofMinutes(1));
    awaitHeard(engine, State.UNHEALTHY);
  }

  private void recover(FakeBackend backend, EmbeddingEngine engine) {
    backend.faults().onOpen(n -> {});
    awaitHeard(engine, State.HEALTHY);
  }

  private void listen(EmbeddingEngine engine) {
    engine.addListener(
        new EngineListener() {
          @Override
          public void onHealth(EngineHealth health) {
            heard.put(engine, engine.health().state());
          }
        });
  }

  private void awaitHeard(EmbeddingEngine engine, State state) {
    await().atMost(Duration.ofMinutes(1)).until(() -> heard.get(engine) == state);
  }

  private void awaitTold(ReadinessState... states) {
    await()
        .atMost(Duration.ofMinutes(1))
        .untilAsserted(() -> assertThat(told).containsExactly((Object[]) states));
  }

  private void note(ApplicationEvent event) {
    if (event instanceof AvailabilityChangeEvent<?> change) {
      told.add(change.getState());
    }
  }

  @Test
  void readiness_refusesWhileAnyEngineOfTheApplicationIsUnhealthy() {
    EmbeddingEngine one = open(first);
    EmbeddingEngine two = open(second);
    Contexts.runner(folder, new FakeBackend())
        .withBean("one", EmbeddingEngine.class, () -> one)
        .withBean("two", EmbeddingEngine.class, () -> two)
        .withInitializer(context ->
            context.addApplicationListener((ApplicationListener<ApplicationEvent>) this::note))
        .run(context -> {
          assertThat(context).hasNotFailed();
          listen(one);
          listen(two);
          lose(first, one);
          awaitTold(ReadinessState.REFUSING_TRAFFIC);
          lose(second, two);
          recover(first, one);
          lose(first, one);
          recover(first, one);
          recover(second, two);
          awaitTold(ReadinessState.REFUSING_TRAFFIC, ReadinessState.ACCEPTING_TRAFFIC);
        });
  }

  @Test
  void readiness_refusesWhereAnEngineIsUnhealthyWhenItsBeanIsMade() {
    EmbeddingEngine one = open(first);
    listen(one);
    lose(first, one);
    Contexts.runner(folder, new FakeBackend())
        .withBean("one", EmbeddingEngine.class, () -> one)
        .withInitializer(context ->
            context.addApplicationListener((ApplicationListener<ApplicationEvent>) this::note))
        .run(context -> {
          assertThat(context).hasNotFailed();
          awaitTold(ReadinessState.REFUSING_TRAFFIC);
        });
  }

  /** Something that ends with the application, while its requests are still answered. */
  private record AtTheEnd(Runnable task) implements SmartLifecycle {
    @Override
    public void start() {}

    @Override
    public void stop() {
      task.run();
    }

    @Override
    public boolean isRunning() {
      return true;
    }
  }

  /** Spring Boot refuses traffic then, and who sends it would believe what is said last. */
  @Test
  void readiness_isNotTakenBackWhileTheApplicationEnds() {
    EmbeddingEngine one = open(first);
    Contexts.runner(folder, new FakeBackend())
        .withBean("one", EmbeddingEngine.class, () -> one)
        .withBean(AtTheEnd.class, () -> new AtTheEnd(() -> recover(first, one)))
        .withInitializer(context ->
            context.addApplicationListener((ApplicationListener<ApplicationEvent>) this::note))
        .run(context -> {
          assertThat(context).hasNotFailed();
          listen(one);
          lose(first, one);
          awaitTold(ReadinessState.REFUSING_TRAFFIC);
        });
    assertThat(heard).containsEntry(one, State.HEALTHY);
    assertThat(told).containsExactly(ReadinessState.REFUSING_TRAFFIC);
  }

  /** An application whose engine is lost when it says that it has started. */
  @Configuration(proxyBeanMethods = false)
  @ImportAutoConfiguration(LucioleAutoConfiguration.class)
  static class Lost {}

  /** Spring Boot itself accepts traffic at the end of a start, whatever was said before. */
  @Test
  void readiness_refusesAfterTheStart_whereAnEngineWasLostBeforeItsEnd() {
    EmbeddingEngine one = open(first);
    listen(one);
    lose(first, one);
    SpringApplication application = new SpringApplication(Lost.class);
    application.setWebApplicationType(WebApplicationType.NONE);
    application.setBannerMode(Banner.Mode.OFF);
    application.addInitializers(
        context -> context.getBeanFactory().registerSingleton("backend", first));
    application.addInitializers(context ->
        ((GenericApplicationContext) context)
            .registerBean("one", EmbeddingEngine.class, () -> one));
    application.addListeners((ApplicationListener<ApplicationEvent>) this::note);
    try (ConfigurableApplicationContext context = application.run()) {
      assertThat(context.getBean(EmbeddingEngine.class)).isSameAs(one);
      assertThat(told).last().as("the last of %s", told).isEqualTo(ReadinessState.REFUSING_TRAFFIC);
      recover(first, one);
      awaitLast(ReadinessState.ACCEPTING_TRAFFIC);
    }
  }

  private void awaitLast(ReadinessState state) {
    await()
        .atMost(Duration.ofMinutes(1))
        .untilAsserted(() -> assertThat(told).last().isEqualTo(state));
  }
}
