/**
 * Publishes what engines and indexes do as Micrometer meters; the Javadoc of the classes lists
 * every meter.
 *
 * <ul>
 *   <li>{@link io.luciole.micrometer.EngineMeters}: an engine. Its counters and gauges read {@link
 *       io.luciole.EmbeddingEngine#stats()} when the registry is scraped; its timers record each
 *       text and each batch.
 *   <li>{@link io.luciole.micrometer.IndexMeters}: searches, documents and commits of an index. It
 *       needs {@code luciole-lucene} on the class path, which {@code EngineMeters} does not.
 * </ul>
 */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole.micrometer;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
