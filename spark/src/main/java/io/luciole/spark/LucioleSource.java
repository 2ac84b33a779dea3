package io.luciole.spark;

import java.util.Map;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.sources.DataSourceRegister;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * Spark's data source {@code luciole}, which writes a dataset of documents and their embeddings as
 * shards of an index:
 *
 * <pre>{@code
 * embedded.write().format("luciole").mode("append").save("hdfs:///index");
 * }</pre>
 *
 * <p>Each partition becomes a shard, a Lucene index in a folder of its own below the path. Shards
 * are built in Spark's local folders and copied to the path's file system when Spark's commit
 * coordinator lets the task commit. The file {@code _shards}, written last, says which folders
 * belong to the index ({@link io.luciole.lucene.ShardManifest}): a job that fails, and a task's
 * attempt that loses, change nothing. {@code append} adds shards to those that are there, {@code
 * overwrite} replaces them. One job at a time may write to a path. A job without documents adds
 * nothing; where there would be no shard at all, it leaves an empty one, so that the index can be
 * opened and added to.
 *
 * <p>Columns: {@code id}, {@code text} and, if there is one, {@code title}, by names that options
 * change; the vectors of {@link LucioleEmbeddings#apply}, at least one of them; {@code tokens},
 * {@code truncated} and {@code error}, which are not stored. All others are the document's
 * metadata: strings, numbers, booleans, dates, timestamps, and arrays of them.
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option<th>value
 * <tr><td>{@code id}, {@code text}, {@code title}<td>names of columns; an id is a string or a whole
 *     number
 * <tr><td>{@code metadata}<td>types of metadata fields to sort and filter by, {@code
 *     year=long,lang=keyword}
 * <tr><td>{@code quantization}<td>of dense vectors, as {@link
 *     io.luciole.lucene.DenseQuantization#parse} has it
 * <tr><td>{@code analyzer}<td>of words, as {@link io.luciole.lucene.SchemaBuilder#analyzer} has it
 * <tr><td>{@code errors}<td>what to do about rows with an {@code error}: {@code fail} the job, the
 *     default, or {@code skip} them
 * <tr><td>{@code model}<td>the model's fingerprint, where the columns' metadata do not tell it
 * </table>
 */
public final class LucioleSource implements TableProvider, DataSourceRegister {
  /** Made by Spark. */
  public LucioleSource() {
    JavaRequirement.require();
  }

  @Override
  public String shortName() {
    return "luciole";
  }

  @Override
  public StructType inferSchema(CaseInsensitiveStringMap options) {
    return new StructType();
  }

  @Override
  public boolean supportsExternalMetadata() {
    return true;
  }

  @Override
  public Table getTable(
      StructType schema, Transform[] partitioning, Map<String, String> properties) {
    return new ShardTable(schema);
  }
}
