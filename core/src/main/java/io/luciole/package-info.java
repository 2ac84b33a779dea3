/**
 * The engine that turns texts into embeddings, and the types it returns.
 *
 * <h2>To use it</h2>
 *
 * {@link EmbeddingEngine} is the entry point. It takes texts with {@link EmbedOptions} and returns
 * futures of {@link Embedding}s, which {@link Scores} compares. {@link LucioleConfig} is where its
 * settings come from, {@link EmbeddingCache} and {@link EngineListener} can be added to it, and
 * {@link EngineStats} and {@link EngineHealth} tell how it does. Everything that fails for a cause
 * outside the calling code is a {@link LucioleException}.
 *
 * <h2>The way of a call through the classes</h2>
 *
 * The classes of the engine are private to this package. A text passes, in this order:
 *
 * <ol>
 *   <li>{@code Pipeline.submit}, on the caller's thread: makes a {@code Request}, which is also the
 *       future. {@code Admission} takes its {@code TokenPermits}, or blocks, or rejects it.
 *   <li>{@code TokenizerStage}: takes it from the first queue, asks the cache, and tokenises it. If
 *       it is too long, {@code TruncationPolicy} cuts it into chunks or refuses it. A {@code
 *       CrossEncoder} gives its texts a {@code PairTokenizer} of their own.
 *   <li>{@code BatchScheduler}: the second queue. It holds {@code WaitingTexts} and decides which
 *       of them form the next batch, as a {@code BatchCut}.
 *   <li>{@code DeviceSession}, an open backend with its threads: each thread is a {@code
 *       BatchRunner}, takes a batch, runs it with {@link io.luciole.spi.Backend#run}, and splits it
 *       if it fails.
 *   <li>{@code Results}: decodes the output with {@code EmbeddingDecoder}, which pools with {@code
 *       TokenPooler} where the backend does not, and completes the futures.
 * </ol>
 *
 * <h2>The classes by job</h2>
 *
 * <ul>
 *   <li>Opening: {@code ModelOverrides} (what is otherwise than a model's files say), {@code
 *       LoadedModel} (files, tokenizer, backends), {@code ModelIdentity} (whether the files are
 *       still those that were opened), {@code Calibration} (measures the token budget), {@code
 *       EngineSettings}.
 *   <li>Keeping a device: {@code DeviceWorker} declares it lost and reopens it, {@code TokenBudget}
 *       and {@code BusyClock} belong to it; all of them share a {@code DeviceContext}.
 *   <li>Watching: {@code Watchdog} (deadlines, devices without an answer), {@code EngineMetrics},
 *       {@code RunCounters}, {@code BatchEvent} (Flight Recorder).
 *   <li>Around it: {@code EmbeddingStream} (any number of items in bounded memory), {@code
 *       HeapBounds} (how much may wait), {@code LeakGuard} (engines that nobody closed), {@code
 *       CacheKeys}.
 * </ul>
 *
 * <h2>In which order to read</h2>
 *
 * The head comments say what holds, which threads there are and which lock guards what. Read {@code
 * Pipeline}, then {@code BatchScheduler}, then {@code DeviceWorker}; the others follow from these.
 */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
