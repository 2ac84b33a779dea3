/** An engine's statistics in Micrometer: {@link io.luciole.micrometer.EngineMeters}. */
@NullMarked
package io.luciole.micrometer;

import org.jspecify.annotations.NullMarked;
