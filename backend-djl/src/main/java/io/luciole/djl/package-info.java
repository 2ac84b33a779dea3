/**
 * Encoders on PyTorch, by way of DJL. {@link io.luciole.djl.DjlBackendProvider} is all there is to
 * see; it is found by {@link java.util.ServiceLoader}.
 */
@NullMarked
package io.luciole.djl;

import org.jspecify.annotations.NullMarked;
