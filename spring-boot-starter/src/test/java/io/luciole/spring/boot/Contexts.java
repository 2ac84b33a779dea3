package io.luciole.spring.boot;

import io.luciole.model.ModelSource;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.nio.file.Path;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Applications with all that is configured automatically, and a model without weights. */
final class Contexts {
  private Contexts() {}

  /**
   * An application that gives its backend and its model as beans.
   *
   * @param folder where the model's files are written
   * @param backend computes the vectors
   */
  static ApplicationContextRunner runner(Path folder, FakeBackend backend) {
    ModelSource model = FakeModel.write(folder, 512);
    return new ApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                LucioleAutoConfiguration.class,
                LucioleIndexAutoConfiguration.class,
                LucioleHealthAutoConfiguration.class,
                LucioleMetersAutoConfiguration.class,
                LucioleSpringAiAutoConfiguration.class))
        .withBean(FakeBackend.class, () -> backend)
        .withBean(EngineCustomizer.class, () -> builder -> builder.model(model));
  }
}
