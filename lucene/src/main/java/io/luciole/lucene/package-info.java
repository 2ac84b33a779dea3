/**
 * Hybrid search on Lucene: an index that holds a model's dense vectors, sparse weights and token
 * vectors beside the words, and is searched by several of them at once. A <em>leg</em> ({@link
 * io.luciole.lucene.Leg}) is one retriever of such a search: dense, sparse or BM25.
 *
 * <p>The way of a document: a {@link io.luciole.lucene.DocumentSource} ({@link
 * io.luciole.lucene.BeirReader}, {@link io.luciole.lucene.FolderReader}, or an application's own)
 * reads a {@link io.luciole.lucene.SourceDocument}. {@code IndexingRun} hands it to the {@code
 * IndexingSession} of a {@link io.luciole.lucene.HybridIndexer}. {@code PendingDocuments} admits
 * it; {@code DocumentEmbedder} cuts it ({@code Passages}) and has the engine embed it; {@code
 * DocumentWriter} makes Lucene documents of it ({@code DocumentFields}, as {@link
 * io.luciole.lucene.HybridSchema} says and {@link io.luciole.lucene.SchemaFields} describes, and
 * {@code OwnFields}) and writes them; {@code IndexFolder} commits, with a {@link
 * io.luciole.lucene.CommitMark}.
 *
 * <p>The way of a query: {@link io.luciole.lucene.HybridSearcher} takes a {@link
 * io.luciole.lucene.HybridQuery}, which {@code QueryNeeds} compares with what the index has, and a
 * view of the index, and starts a {@code SearchRun}. This embeds the query and runs each leg
 * ({@code LegQueries} by words, {@link io.luciole.lucene.VectorQueries} by vectors), fuses the
 * lists ({@code FusedList}, by a {@link io.luciole.lucene.Fusion} and the lengths of {@code
 * DepthSteps}), reranks the best by exact vectors ({@code Reranker}, {@code ExactScorer}, {@code
 * DocumentVectors}) or by a model ({@code ModelReranker}, {@link io.luciole.lucene.PassageScorer})
 * and makes {@link io.luciole.lucene.Hit}s of a page ({@code HitBuilder}, {@code PassageFinder}) in
 * a {@link io.luciole.lucene.SearchResult}. What an {@link io.luciole.lucene.Arrangement} asks for,
 * {@code Arranger} does between the two last steps, with {@code FacetCounter} and the doc values of
 * {@code FieldValues}; a query without words is a {@code ListingRun}.
 *
 * <p>An application's own index: {@link io.luciole.lucene.VectorFields} adds vectors to its
 * documents, and {@link io.luciole.lucene.SearcherBuilder} opens a searcher over what it has.
 *
 * <p>Other classes by job:
 *
 * <ul>
 *   <li>encodings: {@code SparsePostings} with {@code ImpactPostings} and {@code FeaturePostings},
 *       {@code SparseBytes}, {@code MultiVectorBytes}, {@code DenseBytes}, {@code PassageOffsets},
 *       behind {@code VectorChecks}; read back by {@code DocumentVectors} with {@code
 *       QueryPostings} and {@link io.luciole.lucene.DenseVectors}
 *   <li>token vectors in 2 bits a component: {@link io.luciole.lucene.ResidualFormat}, with {@code
 *       ResidualWriter}, which asks a {@code ResidualSource}, {@code ResidualReader}, {@code
 *       ResidualValues}, {@code ResidualRows}, {@code TokenCentroids}, {@code TokenRow}; scored by
 *       {@code ResidualScorer}, which a {@code TokenQuery} shares among the threads of a search
 *   <li>Lucene queries: {@code TokenWeightQuery}, {@code DisjunctionSumQuery}, {@code
 *       BestPassageQuery}, {@code CheckedQuery}, {@link io.luciole.lucene.RankedDocsQuery}; of
 *       strings of metadata {@code StringMatches}, with {@code StoredStringsQuery} for long ones;
 *       of words {@code WordQueries} with {@code QueryWords} and {@code PrefixWordQuery}
 *   <li>sparse weights in blocks: {@link io.luciole.lucene.BlockPostingsFormat}, whose layout is in
 *       {@code BlockLayout}, with {@code BlockPostingsWriter}, {@code BlockEncoder}, {@code
 *       PageChecks}, {@code BlockPostingsReader}, {@code BlockSource}, {@code BlockPostings}; its
 *       search {@code BlockMaxQuery} with {@code BlockMaxSearch}, {@code BlockCursor}, {@code
 *       BlockChunk}, {@code BestDocuments}, {@code SharedScore}
 *   <li>words: {@code Analyzers}, {@code MultilingualAnalyzer} with {@code WordPartFilter} and
 *       {@code PrefixFilter}
 *   <li>writing: {@code WriterConfigs}, {@code KnownIds} and {@code SeenIds}, {@code ModelStamp},
 *       {@code PeriodicCommits}, {@code ChangeCount}
 *   <li>writing and searching for as long as a process lives: {@link io.luciole.lucene.LiveIndex}
 *       over a {@code RecoveringIndex}, which replaces its {@code OpenIndex} after a failure
 *   <li>reading without a query: {@link io.luciole.lucene.DocumentReader}
 *   <li>adding indexes: {@code IndexAddition}, with {@code AddedIndex}, {@code WriterFit}, {@code
 *       IdOverlap}, {@code MaskedReader}; several at once: {@link io.luciole.lucene.IndexMerge},
 *       {@code ShardsReader}, {@link io.luciole.lucene.ShardManifest}
 *   <li>what a version of Lucene decides: {@code LuceneFormats}, {@code LuceneRange}
 *   <li>descriptions: {@link io.luciole.lucene.IndexDescription}, {@code FieldSizes}
 *   <li>measuring quality: the package {@code io.luciole.lucene.eval}, which nothing here uses
 * </ul>
 *
 * <p>To add a fusion, write it in {@code Fusions} or, as {@code SoftMaximum}, beside it, with its
 * name in {@code NAMES} and {@code parse}, and give {@link io.luciole.lucene.Fusion} a method for
 * it. The command, its help and the server take the name from there; explanations and each leg's
 * contribution come from {@code FusedList}, which every fusion passes. Three texts of the server
 * name the fusions: {@code docs/server.md}, {@code openapi.json} and {@code page.html}. Tests fail
 * until they do, and until {@code ExactnessTest} has the definition once more.
 *
 * <p>Metadata ({@link io.luciole.lucene.Metadata}) has one model of values for all ways into an
 * index. {@code MetadataLayout} keeps it: the fields that the schema declares as {@code
 * TypedField}s, all others by {@code MetadataTerms}, in an index of an older layout as {@code
 * MetadataLayout1} has it. {@link io.luciole.lucene.MetadataFilters} makes filters by it, of Java
 * and, with {@code FilterParser}, of JSON. To add an operator, make its query with a method of
 * {@code MetadataFilters}, read it in {@code FilterParser}, and describe it in {@code
 * MetadataFilters.parse} and docs/server.md. Every query of Lucene's can be a filter, too ({@link
 * io.luciole.lucene.HybridQuery#filter}); {@link io.luciole.lucene.SchemaFields} tells what there
 * is to ask.
 */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole.lucene;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
