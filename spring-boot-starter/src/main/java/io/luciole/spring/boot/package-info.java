/**
 * Luciole in Spring Boot: beans of an engine, an indexer and a searcher that are configured by
 * {@code luciole.*} in the application's environment, with health, readiness, meters and an orderly
 * end; {@link io.luciole.spring.boot.LucioleAutoConfiguration} is where to begin. With {@code
 * luciole-spring-ai} on the class path there are an {@code EmbeddingModel} and a {@code
 * VectorStore} too. {@link io.luciole.spring.boot.test.AutoConfigureFakeLuciole} replaces the model
 * in tests.
 *
 * <p>Compiled against Spring Boot 3.5, and tested with 4.0, too.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.spring.boot;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
