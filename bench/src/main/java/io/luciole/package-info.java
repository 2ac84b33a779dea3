/** Benchmarks of what is private to the engine. */
@NullMarked
package io.luciole;

import org.jspecify.annotations.NullMarked;
