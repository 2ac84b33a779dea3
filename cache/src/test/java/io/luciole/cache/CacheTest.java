package io.luciole.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingCache;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.h2.mvstore.MVStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class CacheTest {
  private static final EmbedOptions ALL =
      EmbedOptions.passage().outputs(Output.DENSE, Output.SPARSE, Output.COLBERT);

  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();

  private EmbeddingEngine open(EmbeddingCache cache, int maxTokens) throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(FakeModel.write(model, maxTokens))
        .backend(backend)
        .cache(cache)
        .open();
  }

  private static List<String> texts() {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      texts.add("w" + i + " w" + i % 7 + " w" + i % 3);
    }
    return texts;
  }

  @Test
  void encodedEmbeddings_comeBackEqual() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 200; i++) {
      float[] dense = new float[1 + random.nextInt(50)];
      for (int d = 0; d < dense.length; d++) {
        dense[d] = (float) random.nextGaussian();
      }
      SparseVector sparse =
          random.nextBoolean() ? SparseVector.EMPTY : SparseVector.of(new int[] {3, 9}, floats(2));
      Embedding embedding =
          Embedding.ofTokens(1 + random.nextInt(9000)).withTruncated(random.nextBoolean());
      if (random.nextBoolean()) {
        embedding = embedding.withDense(dense);
      }
      if (random.nextBoolean()) {
        embedding = embedding.withSparse(sparse);
      }
      if (random.nextBoolean()) {
        embedding = embedding.withColbert(MultiVector.of(3, floats(3 * random.nextInt(5))));
      }
      byte[] bytes = EmbeddingCodec.encode(embedding);
      assertThat(EmbeddingCodec.decode(bytes)).as("seed %d", seed).isEqualTo(embedding);
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      assertThat(EmbeddingCodec.decode(bytes)).as("damaged, seed %d", seed).isNull();
    }
    assertThat(EmbeddingCodec.decode(new byte[0])).isNull();
  }

  private static float[] floats(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = 0.5f + i;
    }
    return values;
  }

  @Test
  void aTextThatComesAgain_isNotComputedAgain_inMemory() throws Exception {
    MemoryCache cache = new MemoryCache(1 << 20);
    checkSecondTime(cache);
    assertThat(cache.size()).isEqualTo(200);
  }

  @Test
  void aTextThatComesAgain_isNotComputedAgain_onDisk() throws Exception {
    try (DiskCache cache = DiskCache.open(folder.resolve("c/cache.mv"))) {
      checkSecondTime(cache);
    }
    long before = backend.texts();
    try (DiskCache cache = DiskCache.open(folder.resolve("c/cache.mv"));
        EmbeddingEngine engine = open(cache, 512)) {
      assertThat(cache.size()).isEqualTo(200);
      assertThat(engine.embedAll(texts(), ALL)).hasSize(200);
      assertThat(backend.texts()).as("after the file was opened again").isEqualTo(before);
    }
  }

  private void checkSecondTime(EmbeddingCache cache) throws IOException {
    try (EmbeddingEngine engine = open(cache, 512)) {
      List<Embedding> first = engine.embedAll(texts(), ALL);
      long computed = backend.texts();
      assertThat(engine.embedAll(texts(), ALL)).isEqualTo(first);
      assertThat(backend.texts()).isEqualTo(computed);
      assertThat(engine.stats().cacheHits()).isEqualTo(200);
      assertThat(engine.stats().cacheMisses()).isEqualTo(200);
      assertThat(engine.stats().embedded()).isEqualTo(400);
    }
  }

  @Test
  void anotherRoleOutputsLimitOrModel_isAMiss() throws Exception {
    MemoryCache cache = new MemoryCache(1 << 20);
    try (EmbeddingEngine engine = open(cache, 512)) {
      engine.embed("w1 w2").join();
      engine.embed("w1 w2", EmbedOptions.query()).join();
      engine.embed("w1 w2", EmbedOptions.passage().outputs(Output.DENSE)).join();
      engine.embed("w1  w2").join();
      assertThat(engine.stats().cacheHits()).isZero();
    }
    try (EmbeddingEngine engine = open(cache, 256)) {
      engine.embed("w1 w2").join();
      assertThat(engine.stats().cacheHits()).as("another limit").isZero();
    }
    Path weights = folder.resolve("model/model.onnx");
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(changed(weights))
            .backend(backend)
            .cache(cache)
            .open()) {
      engine.embed("w1 w2").join();
      assertThat(engine.stats().cacheHits()).as("other weights").isZero();
    }
    try (EmbeddingEngine engine = open(cache, 512)) {
      engine.embed("w1 w2").join();
      assertThat(engine.stats().cacheHits()).as("the first again").isEqualTo(1);
    }
  }

  private String changed(Path weights) throws IOException {
    Path other = Files.createDirectories(folder.resolve("other"));
    FakeModel.write(other, 512);
    Files.writeString(other.resolve("model.onnx"), Files.readString(weights) + " changed");
    return other.toString();
  }

  @Test
  void aCache_isAskedByTheEnginesOwnThreads_alsoForATextAlone() throws Exception {
    MemoryCache kept = new MemoryCache(1 << 20);
    Set<String> askedBy = ConcurrentHashMap.newKeySet();
    EmbeddingCache watched =
        new EmbeddingCache() {
          @Override
          public Optional<Embedding> get(Key key) {
            askedBy.add(Thread.currentThread().getName());
            return kept.get(key);
          }

          @Override
          public void put(Key key, Embedding embedding) {
            askedBy.add(Thread.currentThread().getName());
            kept.put(key, embedding);
          }
        };
    try (EmbeddingEngine engine = open(watched, 512)) {
      Embedding computed = engine.embed("w1 w2", EmbedOptions.query()).join();
      assertThat(engine.embed("w1 w2", EmbedOptions.query()).join()).isEqualTo(computed);
      assertThat(engine.stats().cacheHits()).isEqualTo(1);
    }
    assertThat(askedBy)
        .isNotEmpty()
        .allMatch(n -> n.startsWith("luciole-tokenizer-") || n.startsWith("luciole-results-"));
  }

  @Test
  void aCacheThatThrows_costsNoText() throws Exception {
    EmbeddingCache broken =
        new EmbeddingCache() {
          @Override
          public Optional<Embedding> get(Key key) {
            throw new IllegalStateException("as was asked for");
          }

          @Override
          public void put(Key key, Embedding embedding) {
            throw new IllegalStateException("as was asked for");
          }
        };
    try (EmbeddingEngine engine = open(broken, 512)) {
      assertThat(engine.embedAll(texts(), ALL)).hasSize(200);
    }
  }

  @Test
  void aFileThatIsNoCache_isRefusedWithTheRemedy() throws Exception {
    Path file = folder.resolve("cache.mv");
    Files.writeString(file, "not a cache ".repeat(1000));
    assertThatThrownBy(() -> DiskCache.open(file))
        .isInstanceOf(LucioleException.class)
        .hasMessageContaining("If it is a damaged cache, delete it")
        .hasMessageContaining("If it is another file, leave it");
    assertThat(file).hasContent("not a cache ".repeat(1000));
  }

  /** A pending interrupt closes a file's channel at its next use, for all threads. */
  @Test
  void anInterruptedThread_losesNothing_andStaysInterrupted() {
    Path file = folder.resolve("cache.mv");
    Embedding embedding = Embedding.ofTokens(3).withDense(new float[4096]);
    try {
      try (DiskCache cache = DiskCache.open(file)) {
        for (int i = 0; i < 2000; i++) {
          cache.put(key(i), embedding);
        }
        Thread.currentThread().interrupt();
        cache.put(key(2000), embedding);
        assertThat(cache.get(key(0))).contains(embedding);
        assertThat(Thread.currentThread().isInterrupted()).isTrue();
      }
      assertThat(Thread.interrupted()).isTrue();
      Thread.currentThread().interrupt();
      try (DiskCache cache = DiskCache.open(file)) {
        assertThat(cache.size()).isEqualTo(2001);
        for (int i = 0; i <= 2000; i++) {
          assertThat(cache.get(key(i))).contains(embedding);
        }
      }
      assertThat(Thread.interrupted()).isTrue();
    } finally {
      boolean unused = Thread.interrupted(); // the next test's thread
    }
  }

  private static EmbeddingCache.Key key(int number) {
    return EmbeddingCache.Key.of(ByteBuffer.allocate(32).putInt(28, number).array());
  }

  /** Such as an application's database in H2. */
  @Test
  void aStoreOfAnotherProgram_isRefusedAndStaysAsItIs() throws Exception {
    Path file = folder.resolve("accounts.mv.db");
    try (MVStore store = MVStore.open(file.toString())) {
      store.<String, String>openMap("accounts").put("a", "b");
    }
    byte[] content = Files.readAllBytes(file);

    assertThatThrownBy(() -> DiskCache.open(file))
        .isInstanceOf(LucioleException.class)
        .hasMessageContainingAll("store of another program", "[accounts]", "name another file");
    assertThat(file).hasBinaryContent(content);
  }

  @Test
  void aFileThatIsOpen_isRefused() {
    Path file = folder.resolve("cache.mv");
    try (DiskCache first = DiskCache.open(file)) {
      assertThat(first.size()).isZero();
      assertThatThrownBy(() -> DiskCache.open(file))
          .isInstanceOf(LucioleException.class)
          .hasMessageContaining("a cache that this one did not close");
    }
  }
}
