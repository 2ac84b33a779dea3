/**
 * Luciole behind the interfaces of LangChain4j: a model of this JVM that gives dense, sparse and
 * token vectors in one pass, and Lucene indexes that are searched by all of them and by words.
 *
 * <table>
 *   <caption>What implements what</caption>
 *   <tr><th>LangChain4j</th><th>here</th></tr>
 *   <tr><td>{@code EmbeddingModel}</td>
 *       <td>{@link io.luciole.langchain4j.LucioleEmbeddingModel}</td></tr>
 *   <tr><td>{@code EmbeddingStore<TextSegment>}</td>
 *       <td>{@link io.luciole.langchain4j.LucioleEmbeddingStore}</td></tr>
 *   <tr><td>{@code ContentRetriever}</td>
 *       <td>{@link io.luciole.langchain4j.LucioleContentRetriever}</td></tr>
 *   <tr><td>{@code ScoringModel}</td>
 *       <td>{@link io.luciole.langchain4j.LucioleScoringModel}</td></tr>
 *   <tr><td>{@code DocumentSplitter}</td>
 *       <td>{@link io.luciole.langchain4j.LucioleDocumentSplitter}</td></tr>
 *   <tr><td>{@code TokenCountEstimator}</td>
 *       <td>{@link io.luciole.langchain4j.LucioleTokenCountEstimator}</td></tr>
 * </table>
 *
 * <p>Read {@code LucioleEmbeddingStore} first. It adds {@code StoredItem}s, whose vectors are those
 * that the application hands over, those that {@code KnownEmbeddings} remembers of the model, and
 * those that the engine computes. A search becomes a {@link io.luciole.lucene.HybridQuery}, its
 * filter a Lucene query ({@code FilterMapper}), and {@code Matches} makes LangChain4j's matches of
 * what is found. {@code Segments} translates texts and metadata.
 *
 * <p>Engines, indexers and searchers are the application's to open and close, except what a store
 * opens itself.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.langchain4j;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
