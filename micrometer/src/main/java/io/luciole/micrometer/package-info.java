/**
 * Publishes an engine's statistics as Micrometer meters. {@link io.luciole.micrometer.EngineMeters}
 * is the only class; its Javadoc lists every meter. A meter reads {@link
 * io.luciole.EmbeddingEngine#stats()} when the registry is scraped, so that nothing runs in
 * between.
 */
@NullMarked
package io.luciole.micrometer;

import org.jspecify.annotations.NullMarked;
