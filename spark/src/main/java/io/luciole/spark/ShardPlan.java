package io.luciole.spark;

import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/**
 * What the driver tells executors of the shards to write.
 *
 * @param path where the shards go
 * @param run the name of this run, in those of its shards
 * @param schema the schema of every shard, as {@code HybridSchema.toString} has it
 * @param model the fingerprint of the vectors' model
 * @param columns the columns of the rows
 * @param names which of them are what
 * @param skipsErrors whether rows with an error are left out
 * @param hadoop how file systems are reached
 */
record ShardPlan(
    String path,
    String run,
    String schema,
    String model,
    StructType columns,
    ColumnNames names,
    boolean skipsErrors,
    SerializableConfiguration hadoop)
    implements Serializable {
  /**
   * The columns with a document's id, text and title; the last may be missing.
   *
   * @param title the column of titles, or an empty text
   */
  record ColumnNames(String id, String text, String title) implements Serializable {}

  static ShardPlan of(LogicalWriteInfo info) {
    ShardOptions options = new ShardOptions(info.options());
    StructType columns = info.schema();
    ModelFacts model = EmbeddingColumns.modelOf(columns, options.model());
    boolean titled =
        options.namesTitle() || List.of(columns.fieldNames()).contains(options.title());
    ShardPlan plan =
        new ShardPlan(
            options.path(),
            info.queryId().replaceAll("[^A-Za-z0-9]", ""),
            options.schema(model).toString(),
            model.fingerprint(),
            columns,
            new ColumnNames(options.id(), options.text(), titled ? options.title() : ""),
            options.skipsErrors(),
            new SerializableConfiguration(hadoopConfiguration()));
    DocumentRows.of(plan).requireColumns();
    return plan;
  }

  private static Configuration hadoopConfiguration() {
    return SparkSession.active().sparkContext().hadoopConfiguration();
  }

  /** The name of the shard of a task's attempt. */
  String shard(int partition, long taskId) {
    return String.format(Locale.ROOT, "part-%05d-%s-%d", partition, run, taskId);
  }

  /** Whether a folder is a shard of this run, of whichever attempt. */
  boolean isOfThisRun(String folder) {
    return folder.matches("part-\\d+-" + run + "-\\d+");
  }
}
