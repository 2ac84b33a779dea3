/**
 * Small programs that use the library as an application would. Each reads from top to bottom, and a
 * test runs each of them.
 *
 * <ol>
 *   <li>{@link io.luciole.examples.EmbedTexts}: texts to embeddings, asynchronously;
 *   <li>{@link io.luciole.examples.IndexAndSearch}: a folder of texts to a Lucene index, and hybrid
 *       search in it;
 *   <li>{@link io.luciole.examples.OwnPipeline}: fields, an index sort, soft deletes and a
 *       directory of the application's own;
 *   <li>{@link io.luciole.examples.PlugInConfiguration}: model and backend from the configuration;
 *   <li>{@link io.luciole.examples.SwitchBackend}: the same texts on two backends, compared;
 *   <li>{@link io.luciole.examples.YourOwnIndex}: vectors added to an index of the application's
 *       own, searched with its filters, its sort and its facets.
 * </ol>
 */
@NullMarked
package io.luciole.examples;

import org.jspecify.annotations.NullMarked;
