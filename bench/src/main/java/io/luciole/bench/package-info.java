/** Benchmarks of the whole, over real models; see docs/performance.md for how to run them. */
@NullMarked
package io.luciole.bench;

import org.jspecify.annotations.NullMarked;
