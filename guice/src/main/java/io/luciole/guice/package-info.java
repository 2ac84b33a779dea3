/**
 * Luciole in Guice: {@link io.luciole.guice.LucioleModule} binds an engine, an indexer and a
 * searcher, as the configuration says, and {@link io.luciole.guice.LucioleLifecycle} closes them.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.guice;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
