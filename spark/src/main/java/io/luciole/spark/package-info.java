/**
 * Bulk embedding and index building on Apache Spark.
 *
 * <p>The way of a text: {@link io.luciole.spark.LucioleEmbeddings} plans on the driver, asking an
 * executor for its model ({@code ModelProbe}); {@code PartitionEmbedder} runs on executors, where
 * {@link io.luciole.spark.ExecutorEngines} has one engine for all tasks; {@code EmbeddedRows} keeps
 * as many texts in progress as the engine wants, and {@code EmbeddingValues} fills the columns of
 * {@code EmbeddingColumns}.
 *
 * <p>The way of an embedding into shards, Spark's data source {@code luciole}: {@link
 * io.luciole.spark.LucioleSource} makes a {@code ShardTable}; {@code ShardBatchWrite} plans and
 * commits on the driver ({@code ShardPlan}, {@code ShardOptions}); {@code ShardWriter} builds a
 * shard in Spark's local folder of rows that {@code DocumentRows} reads, and copies it to the
 * {@code ShardTarget}. Spark's commit coordinator lets one attempt of each task commit; the
 * manifest is written last ({@link io.luciole.lucene.ShardManifest}).
 *
 * <p>Into clusters: {@link io.luciole.spark.ClusterSink} over {@link io.luciole.spark.BulkWriter},
 * which knows nothing of Spark.
 *
 * <p>Around them: {@link io.luciole.spark.LucioleSparkPlugin} opens engines early and has their
 * meters; {@link io.luciole.spark.LucioleExtensions} adds the function {@code luciole_embed} to
 * SQL.
 *
 * <p>The classes are compiled for Java 17 ({@code JavaRequirement} says why). What is sent to
 * executors holds no types of other modules, so that it can be read there.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.spark;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
