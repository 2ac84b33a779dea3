/**
 * Hybrid search on Lucene: an index that holds a model's dense, sparse and token vectors beside the
 * words, filled by {@link io.luciole.lucene.HybridIndexer} and searched by {@link
 * io.luciole.lucene.HybridSearcher} with all of them at once.
 */
@NullMarked
package io.luciole.lucene;

import org.jspecify.annotations.NullMarked;
