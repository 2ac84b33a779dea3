package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.spring.boot.test.AutoConfigureFakeLuciole;
import io.luciole.testkit.FakeBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;

/**
 * A test of an application that asks for a real model on a GPU and has no other auto-configuration,
 * as in a slice.
 */
@SpringBootTest(
    classes = FakeLucioleTest.Application.class,
    properties = {
      "luciole.model=BAAI/bge-m3",
      "luciole.backend=onnx",
      "luciole.device=cuda:0",
      "luciole.precision=fp16",
      "luciole.index.folder=target/no-such-folder",
      "luciole.index.metadata=year=long"
    })
@AutoConfigureFakeLuciole
class FakeLucioleTest {
  static class Application {}

  @Autowired private EmbeddingEngine engine;
  @Autowired private FakeBackend backend;
  @Autowired private VectorStore store;

  @Test
  void modelAndIndex_areFake_andSearchFindsByWords() {
    assertThat(engine.backend().backend()).isEqualTo("fake");
    store.add(
        List.of(
            new Document("a", "fireflies glow", Map.of("year", 2024)),
            new Document("b", "prices rise", Map.of("year", 2020))));
    assertThat(store.similaritySearch("prices").get(0).getId()).isEqualTo("b");
    store.delete("year < 2024");
    assertThat(store.similaritySearch("prices")).extracting(Document::getId).containsExactly("a");
    assertThat(backend.texts()).isPositive();
    assertThat(Files.exists(Path.of("target/no-such-folder"))).isFalse();
  }
}
