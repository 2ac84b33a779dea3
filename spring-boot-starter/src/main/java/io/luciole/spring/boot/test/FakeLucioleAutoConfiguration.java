package io.luciole.spring.boot.test;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.WriteOptions;
import io.luciole.model.ModelSource;
import io.luciole.spi.Precision;
import io.luciole.spring.boot.EngineCustomizer;
import io.luciole.spring.boot.LucioleAutoConfiguration;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.util.FileSystemUtils;

/** The beans of {@link AutoConfigureFakeLuciole}. */
@AutoConfiguration(before = LucioleAutoConfiguration.class)
class FakeLucioleAutoConfiguration {
  private static final int MAX_TOKENS = 8192;

  @Bean
  FakeBackend lucioleFakeBackend() {
    return new FakeBackend();
  }

  @Bean
  ModelFolder lucioleFakeModelFolder() throws IOException {
    return new ModelFolder(Files.createTempDirectory("luciole-fake-model"));
  }

  /** The last to be asked, so that nothing asks for a real model or its device. */
  @Bean
  @Order(Ordered.LOWEST_PRECEDENCE)
  EngineCustomizer lucioleFakeModel(ModelFolder folder) {
    ModelSource model = FakeModel.write(folder.path(), MAX_TOKENS);
    return builder -> builder.model(model).device("cpu").precision(Precision.FP32);
  }

  @Bean
  HybridIndexer lucioleFakeIndexer(EmbeddingEngine engine, WriteOptions options) {
    return HybridIndexer.open(new ByteBuffersDirectory(), engine, options);
  }

  /** The fake model's folder, deleted at the end. */
  record ModelFolder(Path path) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      FileSystemUtils.deleteRecursively(path);
    }
  }
}
