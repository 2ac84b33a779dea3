/**
 * Caches of embeddings: {@link io.luciole.cache.MemoryCache}, {@link io.luciole.cache.DiskCache}.
 */
@NullMarked
package io.luciole.cache;

import org.jspecify.annotations.NullMarked;
