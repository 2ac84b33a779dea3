package io.luciole.spark;

import io.luciole.testkit.MiniM3;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** A session of Spark in this process, with two threads and three attempts for each task. */
final class SparkRun implements AutoCloseable {
  private final SparkSession session;

  private SparkRun(SparkSession session) {
    this.session = session;
  }

  /** Starts a session whose local folders are below a folder. */
  static SparkRun start(Path folder, Map<String, String> configuration) {
    SparkSession.Builder builder =
        SparkSession.builder()
            .master("local[2,3]")
            .appName("luciole-spark")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.local.dir", folder.resolve("local").toString())
            .config("spark.sql.warehouse.dir", folder.resolve("warehouse").toString())
            // Each file becomes a partition.
            .config("spark.sql.files.openCostInBytes", "134217728");
    configuration.forEach(builder::config);
    return new SparkRun(builder.getOrCreate());
  }

  SparkSession session() {
    return session;
  }

  Dataset<Row> documents(Path folder) {
    return session.read().schema("id STRING, text STRING, year INT").json(folder.toString());
  }

  /** The embeddings of the small reference model. */
  static LucioleEmbeddings miniM3() {
    return LucioleEmbeddings.of(MiniM3.folder().toString()).setting("luciole.threads", "1");
  }

  @Override
  public void close() {
    session.stop();
    ExecutorEngines.closeAll();
  }
}
