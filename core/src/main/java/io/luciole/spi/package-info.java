/**
 * The interface between the engine and its backends.
 *
 * <p>{@link BackendProvider} is found by {@link java.util.ServiceLoader}, or through {@link
 * Backends} by name. It opens a {@link Backend} on a {@link Device}, which describes itself by
 * {@link BackendInfo} and turns a {@link TokenBatch} into a {@link BackendOutput}. It fails with
 * {@link BackendException}; {@link BackendOutOfMemoryException} makes the engine try a smaller
 * batch.
 *
 * <p>To write a backend, implement the first two and let the contract test of {@code
 * luciole-testkit} check it.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.spi;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
