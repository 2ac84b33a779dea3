package io.luciole.spring.ai;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.WriteOptions;
import io.luciole.testkit.MiniM3;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.lucene.store.ByteBuffersDirectory;

/** A store in memory over mini-m3's vectors, with what it is made of. */
record Store(HybridIndexer indexer, HybridSearcher searcher, LucioleVectorStore vectors)
    implements AutoCloseable {
  /** Open for all tests, to the end of the JVM. */
  static final EmbeddingEngine MINI_M3 = engine(MiniM3.folder().toString());

  static EmbeddingEngine engine(String model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of("luciole.model", model)))
        .threads(1)
        .open();
  }

  static Store open(
      UnaryOperator<SchemaBuilder> schema, UnaryOperator<LucioleVectorStore.Builder> settings) {
    WriteOptions options =
        WriteOptions.defaults().schema(schema.apply(HybridSchema.builder(MINI_M3)).build());
    HybridIndexer indexer = HybridIndexer.open(new ByteBuffersDirectory(), MINI_M3, options);
    HybridSearcher searcher = HybridSearcher.open(indexer, MINI_M3);
    return new Store(
        indexer,
        searcher,
        settings.apply(LucioleVectorStore.builder(MINI_M3, indexer, searcher)).build());
  }

  static Store open() {
    return open(UnaryOperator.identity(), UnaryOperator.identity());
  }

  @Override
  public void close() {
    searcher.close();
    indexer.close();
  }
}
