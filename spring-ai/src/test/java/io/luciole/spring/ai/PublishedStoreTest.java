package io.luciole.spring.ai;

import java.util.function.Consumer;
import org.springframework.ai.test.vectorstore.BaseVectorStoreTests;
import org.springframework.ai.vectorstore.VectorStore;

/** The tests that Spring AI publishes for vector stores. */
class PublishedStoreTest extends BaseVectorStoreTests {
  @Override
  protected void executeTest(Consumer<VectorStore> test) {
    try (Store store = Store.open()) {
      test.accept(store.vectors());
    }
  }
}
