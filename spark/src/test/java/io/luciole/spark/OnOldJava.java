package io.luciole.spark;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.URI;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/** Does what Spark does first with this module's classes, and prints what each of them says. */
final class OnOldJava {
  /** How many ways in there are. */
  static final int CALLS = 7;

  private OnOldJava() {}

  /** What is called. */
  @FunctionalInterface
  private interface Call {
    Object run() throws Exception;
  }

  public static void main(String[] args) {
    say(LucioleSource::new);
    say(LucioleSparkPlugin::new);
    say(LucioleExtensions::new);
    say(() -> LucioleEmbeddings.of("starter"));
    BulkTarget target = BulkTarget.of(URI.create("http://localhost"), "passages");
    say(() -> ClusterSink.of(ClusterKind.OPENSEARCH, target));
    EmbeddingSpec spec = new EmbeddingSpec(Map.of(), "PASSAGE", "text", null);
    say(() ->
        copy(new PartitionEmbedder(spec, List.of("dense"))).call(Collections.emptyIterator()));
    say(() -> copy(factory()).createWriter(0, 0));
  }

  private static DataWriterFactory factory() {
    return new ShardBatchWrite.Factory(
        new ShardPlan(
            "path",
            "run",
            "{}",
            "model",
            new StructType(),
            new ShardPlan.ColumnNames("id", "text", ""),
            false,
            new SerializableConfiguration(new Configuration(false))));
  }

  private static void say(Call call) {
    try {
      System.out.println("no refusal: " + call.run());
    } catch (Throwable t) {
      System.out.println(t);
    }
  }

  /** As it comes to an executor. */
  @SuppressWarnings("unchecked")
  private static <T> T copy(T value) throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(value);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return (T) in.readObject();
    }
  }
}
