/**
 * An optional HTTP server over an engine and an index.
 *
 * <p>Start at {@link io.luciole.server.LucioleServer}; docs/server.md lists the operations, limits
 * and statuses. The way of a request, which has its connection's virtual thread and, while its
 * handler runs, one of the workers' platform threads:
 *
 * <pre>
 * HelidonConnections   reads and writes the connection, with timeouts and disconnect detection
 *   Gateway            request id, origin, key, limit on concurrent requests; afterwards errors,
 *                      meters and the access log
 *   Workers            a platform thread, so that computing stops nobody else's connection
 *     an Api's Route   reads the request from an Exchange, and answers through it
 *       Embedder       one EmbeddingRun a request: token limit, cancellation  →  EmbeddingEngine
 *       Indexes        the SearchIndex of the path                  →  LiveIndex
 * </pre>
 *
 * <p>Classes by job:
 *
 * <ul>
 *   <li>public: {@code LucioleServer}, {@code ServerConfig}, and {@code ServerModule}, which wires
 *       everything
 *   <li>operations, each an {@code Api} that lists its {@code Route}s: {@code OpenAiApi}, {@code
 *       TeiApi}, {@code TokenizerApi}, {@code CohereApi}, {@code WeaviateApi}, {@code RerankApi},
 *       {@code M3Api}, {@code SearchApi}, {@code DocumentsApi} with {@code BulkIngestion} and
 *       {@code Durability}, {@code ReadingApi}, {@code IndexesApi} with {@code IndexSpec}, {@code
 *       ManagementApi}, {@code SearchPageApi}
 *   <li>reading requests: {@code RequestBody} with {@code BodyEncodings}, {@code GzipBody} and
 *       {@code BodyMemory}, {@code JsonBodies}, {@code BodyFields}, {@code EmbeddingInput}, {@code
 *       RequestOptions}, {@code DenseRequest}, {@code LongTexts}, {@code Arranging}, {@code
 *       DocumentBodies}, {@code TraceContext}
 *   <li>writing vectors: {@code VectorFormat}, {@code SparseFormat} with {@code TokenNames}
 *   <li>indexes by name: {@code Indexes} of {@code SearchIndex}es, each with the {@code FreeSpace}
 *       of its disk, and of {@code UnopenedIndex}es
 *   <li>errors: {@code Problem} is thrown, {@code Problems} maps exceptions to statuses and JSON
 *   <li>models by name: {@code ServedModels} of {@code ServedModel}s, each with its {@code
 *       EngineReadiness}, and of {@code ServedReranker}s
 *   <li>who and how much: {@code ApiKeys} with {@code KeyFile}, {@code RequestLimiter} with {@code
 *       Shares}, {@code Throughput} and {@code HeavyWork}, {@code Leftovers} of bodies, {@code
 *       Workers}, {@code TlsKeys}; {@code FileWatch} loads files again
 *   <li>watching: {@code Readiness}, {@code HttpMeters}, {@code ServedIndexMeters}, {@code
 *       OthersMeters}
 *   <li>Helidon's internals: {@code HelidonConnections} with {@code HelidonReader} alone, behind
 *       {@code ClientConnections}; {@code ReadAhead} reads the socket, {@code RequestFraming} knows
 *       HTTP's framing, {@code Http10} turns requests of HTTP/1.0 into those that Helidon takes,
 *       {@code ListenerWatch} and {@code Descriptors} know the system
 * </ul>
 *
 * <p>To add an operation, return a {@code Route} from an {@code Api}, bind a new {@code Api} in
 * {@code ServerModule}, and describe it in {@code openapi.json}; a test compares the two.
 *
 * <p>Filters are the library's ({@link io.luciole.lucene.MetadataFilters}); {@code openapi.json}
 * says of a filter only that it is an object.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.server;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
