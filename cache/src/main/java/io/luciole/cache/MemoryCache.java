package io.luciole.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.luciole.Embedding;
import io.luciole.EmbeddingCache;
import io.luciole.Output;
import java.util.Optional;

/**
 * Keeps embeddings in memory. When it is full, Caffeine's W-TinyLFU policy evicts those that are
 * least likely to be asked for again. Safe for use by many threads.
 */
public final class MemoryCache implements EmbeddingCache {
  private static final int ENTRY_BYTES = 200;

  private final Cache<Key, Embedding> entries;

  /**
   * Creates an empty cache.
   *
   * @param bytes the approximate limit in bytes, counted over vectors, weights and keys; at least 0
   */
  public MemoryCache(long bytes) {
    entries = Caffeine.newBuilder().maximumWeight(bytes).weigher(MemoryCache::weight).build();
  }

  private static int weight(Key key, Embedding embedding) {
    long bytes = ENTRY_BYTES;
    if (embedding.has(Output.DENSE)) {
      bytes += 4L * embedding.dense().length;
    }
    if (embedding.has(Output.SPARSE)) {
      bytes += 8L * embedding.sparse().size();
    }
    if (embedding.has(Output.COLBERT)) {
      bytes += 4L * embedding.colbert().rows() * embedding.colbert().dimension();
    }
    return (int) Math.min(Integer.MAX_VALUE, bytes);
  }

  @Override
  public Optional<Embedding> get(Key key) {
    return Optional.ofNullable(entries.getIfPresent(key));
  }

  @Override
  public void put(Key key, Embedding embedding) {
    entries.put(key, embedding);
  }

  /** {@return the approximate number of embeddings in the cache} */
  public long size() {
    return entries.estimatedSize();
  }
}
