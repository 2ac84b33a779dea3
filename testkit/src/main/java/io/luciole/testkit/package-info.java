/**
 * Tools for testing a backend, and for testing code that uses Luciole without a real model.
 *
 * <p>For authors of a backend:
 *
 * <ul>
 *   <li>{@link io.luciole.testkit.BackendContractTest}: the test class to extend. It runs
 *       everything that a backend must do; docs/write-a-backend.md shows how.
 *   <li>{@link io.luciole.testkit.AssertingBackend}: a wrapper that checks the calls to any backend
 *       and its results.
 *   <li>{@link io.luciole.testkit.MiniM3} and {@link io.luciole.testkit.ReferenceText}: a small
 *       model in BGE-M3's layout, with the results that FlagEmbedding computes for it.
 *   <li>{@link io.luciole.testkit.LayoutContractTest} and {@link io.luciole.testkit.ModelLayout}:
 *       tiny models in the layouts that people publish, with the vectors of sentence-transformers,
 *       for a backend that reads checkpoints.
 *   <li>{@link io.luciole.testkit.TinyEncodersTest} and {@link io.luciole.testkit.TinyEncoder}: a
 *       test class for backends that run checkpoints, and small models of all architectures that
 *       do.
 * </ul>
 *
 * <p>For applications:
 *
 * <ul>
 *   <li>{@link io.luciole.testkit.FakeModel}: writes a model folder with a tokenizer and without
 *       weights.
 *   <li>{@link io.luciole.testkit.FakeBackend} and {@link io.luciole.testkit.Fault}: a backend that
 *       computes predictable vectors, with delays, memory limits and failures that the test sets.
 * </ul>
 *
 * <p>JUnit and AssertJ are optional dependencies, needed by the contracts, {@code TinyEncodersTest}
 * and {@code ReferenceText} only.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.testkit;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
