/**
 * For testing code that uses Luciole, and backends: a model folder that costs nothing ({@link
 * io.luciole.testkit.FakeModel}) and a backend with programmable delay, memory and failures ({@link
 * io.luciole.testkit.FakeBackend}).
 */
@NullMarked
package io.luciole.testkit;

import org.jspecify.annotations.NullMarked;
