/** Luciole's engine: text in, BGE-M3's dense, sparse and multi-vector embeddings out. */
@NullMarked
package io.luciole;

import org.jspecify.annotations.NullMarked;
