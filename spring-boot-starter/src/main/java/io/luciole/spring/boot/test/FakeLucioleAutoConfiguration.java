package io.luciole.spring.boot.test;

import io.luciole.Role;
import io.luciole.model.ModelSource;
import io.luciole.model.Pooling;
import io.luciole.model.TokenPooling;
import io.luciole.spi.Precision;
import io.luciole.spring.boot.EngineCustomizer;
import io.luciole.spring.boot.LucioleAutoConfiguration;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.util.FileSystemUtils;

/** The model of {@link AutoConfigureFakeLuciole}, and what puts it in place of a real one. */
@AutoConfiguration(before = LucioleAutoConfiguration.class)
class FakeLucioleAutoConfiguration {
  /** More than any {@code luciole.max-length} or passage of a real model. */
  private static final int MAX_TOKENS = 1 << 20;

  @Bean
  static FakeReplacement lucioleFakeReplacement() {
    return new FakeReplacement();
  }

  @Bean
  @ConditionalOnMissingBean
  FakeBackend lucioleFakeBackend() {
    return new FakeBackend();
  }

  @Bean
  ModelFolder lucioleFakeModelFolder() throws IOException {
    return new ModelFolder(Files.createTempDirectory("luciole-fake-model"));
  }

  /** The last to be asked, so that nothing asks for a real model, its vectors or its device. */
  @Bean
  @Order(Ordered.LOWEST_PRECEDENCE)
  EngineCustomizer lucioleFakeModel(ModelFolder folder, FakeBackend backend) {
    ModelSource model = FakeModel.write(folder.path(), MAX_TOKENS);
    return builder ->
        builder
            .model(model)
            .backend(backend)
            .device("cpu")
            .precision(Precision.FP32)
            .calibrate(false)
            .pooling(TokenPooling.of(Pooling.CLS))
            .normalize(false)
            .dimensions(FakeBackend.DIMENSION)
            .prompt(Role.QUERY, "")
            .prompt(Role.PASSAGE, "");
  }

  /** The fake model's folder, deleted at the end. */
  record ModelFolder(Path path) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      FileSystemUtils.deleteRecursively(path);
    }
  }
}
