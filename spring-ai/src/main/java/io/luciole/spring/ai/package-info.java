/**
 * Luciole in Spring AI: {@link io.luciole.spring.ai.LucioleEmbeddingModel} gives the dense vectors
 * of an engine, {@link io.luciole.spring.ai.LucioleVectorStore} keeps and searches documents in a
 * hybrid index by dense vectors, sparse weights and words at once, {@link
 * io.luciole.spring.ai.LucioleTextSplitter} cuts documents into chunks that fit the model, and
 * {@link io.luciole.spring.ai.LucioleTokenCountEstimator} counts the model's own tokens.
 *
 * <p>Compiled against Spring AI 1.1, and tested with 2.0, too.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.spring.ai;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
