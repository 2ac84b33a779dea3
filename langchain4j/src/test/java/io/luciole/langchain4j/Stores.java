package io.luciole.langchain4j;

import io.luciole.EmbeddingEngine;
import io.luciole.testkit.MiniM3;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** An engine of the reference fixture for the tests of a class, and a store for each of them. */
final class Stores {
  final EmbeddingEngine engine;
  final LucioleEmbeddingModel model;
  private @Nullable LucioleEmbeddingStore open;

  Stores() {
    engine = EmbeddingEngine.builder().model(MiniM3.source()).device("cpu").open();
    model = LucioleEmbeddingModel.of(engine);
  }

  /** The store of a folder, which a test has for itself. */
  LucioleEmbeddingStore in(Path folder) {
    LucioleEmbeddingStore store = open;
    if (store == null) {
      store = LucioleEmbeddingStore.open(folder, model);
      open = store;
    }
    return store;
  }

  /** To be called after each test. */
  void closeStore() {
    if (open != null) {
      open.close();
      open = null;
    }
  }

  /** To be called after all tests. */
  void close() {
    engine.close();
  }
}
