/**
 * What a backend implements: {@link io.luciole.spi.BackendProvider} is found by {@link
 * java.util.ServiceLoader} and opens a {@link io.luciole.spi.Backend}, which turns a {@link
 * io.luciole.spi.TokenBatch} into a {@link io.luciole.spi.BackendOutput}.
 */
@NullMarked
package io.luciole.spi;

import org.jspecify.annotations.NullMarked;
