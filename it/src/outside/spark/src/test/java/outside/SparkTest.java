package outside;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import io.luciole.lucene.HybridSearcher;
import io.luciole.spark.ExecutorEngines;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job with Spark's jars first on the class path, among them another protobuf than ours. */
class SparkTest {
  @TempDir Path folder;

  @Test
  void viewIsEmbedded_andItsShardsAreSearched() throws Exception {
    assertThat(Message.class.getProtectionDomain().getCodeSource().getLocation().getPath())
        .contains("protobuf-java-4.33.5");
    StructType columns = new StructType().add("id", "string").add("text", "string");
    try (SparkSession spark =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.local.dir", folder.resolve("local").toString())
            .config("spark.luciole.model", "starter")
            .config("spark.sql.extensions", "io.luciole.spark.LucioleExtensions")
            .getOrCreate()) {
      spark
          .createDataFrame(
              List.of(
                  RowFactory.create("a", "On summer evenings fireflies glow."),
                  RowFactory.create("b", "Prices rise, and wages follow.")),
              columns)
          .createOrReplaceTempView("documents");
      Dataset<Row> embedded = spark.sql("SELECT * FROM luciole_embed('documents')");
      embedded.write().format("luciole").mode("append").save(folder.resolve("shards").toString());
      var engine = ExecutorEngines.get(Map.of("luciole.model", "starter"));
      try (HybridSearcher searcher = HybridSearcher.open(folder.resolve("shards"), engine)) {
        assertThat(searcher.search("insects with a light").hits().get(0).id()).isEqualTo("a");
      }
    } finally {
      ExecutorEngines.closeAll();
    }
  }
}
