/**
 * The engine that turns texts into embeddings, and the types it returns.
 *
 * <p>Start at {@link io.luciole.EmbeddingEngine}.
 */
@NullMarked
package io.luciole;

import org.jspecify.annotations.NullMarked;
