package io.luciole.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A job for {@code spark-submit}: embeds a folder of documents and writes shards, while something
 * happens to its second partition. Arguments: the corpus, the target, a model, {@code halt} or
 * {@code slow}, and a folder for a mark that it has happened.
 */
public final class OutsideJob {
  private OutsideJob() {}

  public static void main(String[] args) throws IOException {
    try (SparkSession session = SparkSession.builder().appName("outside").getOrCreate()) {
      Dataset<Row> documents =
          session.read().schema("id STRING, text STRING, year INT").json(args[0]);
      Dataset<Row> disturbed =
          documents.mapPartitions(
              new Disturbance(args[3], args[4]), Encoders.row(documents.schema()));
      LucioleEmbeddings.of(args[2])
          .setting("luciole.threads", "1")
          .apply(disturbed)
          .write()
          .format("luciole")
          .mode("append")
          .save(args[1]);
    }
  }

  /** Halts its process at row 200, or reads slowly, at the first attempt alone. */
  private record Disturbance(String what, String marks) implements MapPartitionsFunction<Row, Row> {
    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
      TaskContext task = TaskContext.get();
      if (task.partitionId() != 1 || task.attemptNumber() > 0) {
        return rows;
      }
      int[] read = {0};
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          return rows.hasNext();
        }

        @Override
        public Row next() {
          if (++read[0] == 200) {
            mark();
          }
          if (read[0] >= 200) {
            disturb();
          }
          return rows.next();
        }
      };
    }

    private void mark() {
      try {
        Files.createFile(Path.of(marks, what));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void disturb() {
      if (what.equals("halt")) {
        Runtime.getRuntime().halt(137);
      }
      try {
        Thread.sleep(1000);
      } catch (InterruptedException e) {
        throw new IllegalStateException("the attempt is killed", e);
      }
    }
  }
}
