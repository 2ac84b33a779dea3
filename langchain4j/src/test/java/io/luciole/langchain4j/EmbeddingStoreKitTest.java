package io.luciole.langchain4j;

import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.store.embedding.EmbeddingStore;
import dev.langchain4j.store.embedding.EmbeddingStoreWithFilteringIT;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** LangChain4j's published tests of stores and of their filters, none left out. */
class EmbeddingStoreKitTest extends EmbeddingStoreWithFilteringIT {
  private static Stores stores;
  @TempDir Path folder;

  @BeforeAll
  static void open() {
    stores = new Stores();
  }

  @AfterEach
  void closeStore() {
    stores.closeStore();
  }

  @AfterAll
  static void close() {
    stores.close();
  }

  @Override
  protected EmbeddingStore<TextSegment> embeddingStore() {
    return stores.in(folder);
  }

  @Override
  protected EmbeddingModel embeddingModel() {
    return stores.model;
  }

  @Override
  protected boolean supportsContains() {
    return true;
  }
}
