package io.luciole.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.luciole.Embedding;
import io.luciole.EmbeddingCache;
import io.luciole.Output;
import java.util.Optional;

/** Keeps the embeddings in memory that are asked for most (W-TinyLFU, by Caffeine). */
public final class MemoryCache implements EmbeddingCache {
  private static final int ENTRY_BYTES = 200;

  private final Cache<Key, Embedding> entries;

  /**
   * Creates an empty cache.
   *
   * @param bytes how much it may hold, about
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

  /** How many embeddings are kept, about. */
  public long size() {
    return entries.estimatedSize();
  }
}
