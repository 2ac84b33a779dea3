/**
 * Hybrid search on Lucene: an index that holds a model's dense vectors, sparse weights and token
 * vectors beside the words, and is searched by several of them at once. A <em>leg</em> ({@link
 * io.luciole.lucene.Leg}) is one retriever of such a search: dense, sparse or BM25.
 *
 * <p>The way of a document: a {@link io.luciole.lucene.DocumentSource} ({@link
 * io.luciole.lucene.BeirReader}, {@link io.luciole.lucene.FolderReader}, or an application's own)
 * reads a {@link io.luciole.lucene.SourceDocument}. {@code IndexingRun} hands it to {@link
 * io.luciole.lucene.HybridIndexer}, which cuts it ({@code Passages}), has the engine embed it,
 * makes Lucene documents of it ({@code DocumentFields}, as {@link io.luciole.lucene.HybridSchema}
 * says and {@link io.luciole.lucene.SchemaFields} describes) and writes and commits them ({@code
 * IndexFolder}, {@code CommitData}).
 *
 * <p>The way of a query: {@link io.luciole.lucene.HybridSearcher} takes a {@link
 * io.luciole.lucene.HybridQuery} and a view of the index and starts a {@code SearchRun}. This
 * embeds the query and runs each leg ({@code LegSearch}, with the queries of {@code LegQueries}),
 * fuses the lists ({@code FusedList}, by a {@link io.luciole.lucene.Fusion}), reranks the best by
 * exact vectors ({@code Reranker}, {@code DocumentVectors}) and makes {@link
 * io.luciole.lucene.Hit}s of a page ({@code HitBuilder}, {@code PassageFinder}) in a {@link
 * io.luciole.lucene.SearchResult}.
 *
 * <p>Other classes by job:
 *
 * <ul>
 *   <li>encodings: {@code SparsePostings} with {@code ImpactPostings} and {@code FeaturePostings},
 *       {@code SparseBytes}, {@code MultiVectorBytes}, {@code PassageOffsets}
 *   <li>Lucene queries: {@code TokenWeightQuery}, {@code DisjunctionSumQuery}; of words {@code
 *       WordQueries} with {@code QueryWords} and {@code PrefixWordQuery}
 *   <li>words: {@code Analyzers}, {@code MultilingualAnalyzer} with {@code WordPartFilter} and
 *       {@code PrefixFilter}
 *   <li>what a version of Lucene decides: {@code LuceneFormats}
 *   <li>descriptions: {@link io.luciole.lucene.IndexDescription}, {@code FieldSizes}
 *   <li>measuring quality: the package {@code io.luciole.lucene.eval}, which nothing here uses
 * </ul>
 *
 * <p>To add a fusion, write it in {@code Fusions}, with its name in {@code NAMES} and {@code
 * parse}, and give {@link io.luciole.lucene.Fusion} a method for it. The command, its help and the
 * server take the name from there; explanations and each leg's contribution come from {@code
 * FusedList}, which every fusion passes. Three texts of the server name the fusions: {@code
 * docs/server.md}, {@code openapi.json} and {@code page.html}. Tests fail until they do, and until
 * {@code ExactnessTest} has the definition once more.
 *
 * <p>Every query of Lucene's can be a filter ({@link io.luciole.lucene.HybridQuery#filter}); {@link
 * io.luciole.lucene.SchemaFields} tells what there is to ask.
 */
@NullMarked
package io.luciole.lucene;

import org.jspecify.annotations.NullMarked;
