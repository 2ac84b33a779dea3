/**
 * Two implementations of {@link io.luciole.EmbeddingCache}, which keep an engine from computing an
 * embedding a second time: {@code EmbeddingEngine.builder().cache(new MemoryCache(64 << 20))}.
 *
 * <p>A key is a digest of everything that an embedding depends on: the model, the arithmetic, the
 * role, the options and the text. One cache can therefore serve several engines. The engine looks a
 * text up on one of its tokenizer threads, before it tokenises the text, and stores a result just
 * before it completes the text's future. Texts that are passed as token ids are neither looked up
 * nor stored.
 *
 * <ul>
 *   <li>{@link io.luciole.cache.MemoryCache}: bounded, in memory, for repeated queries;
 *   <li>{@link io.luciole.cache.DiskCache}: unbounded, in one file, for indexing a corpus again.
 *       {@code EmbeddingCodec} documents the bytes of an entry.
 * </ul>
 */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole.cache;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
