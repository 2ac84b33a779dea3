/**
 * An optional HTTP server over an engine and an index.
 *
 * <p>Start at {@link io.luciole.server.LucioleServer}.
 */
@NullMarked
package io.luciole.server;

import org.jspecify.annotations.NullMarked;
