package io.luciole.spark;

import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;

/**
 * Embeds the texts of a partition, on an executor.
 *
 * @param vectors the columns of vectors to add, in their order
 */
record PartitionEmbedder(EmbeddingSpec spec, List<String> vectors)
    implements MapPartitionsFunction<Row, Row> {
  private static final long serialVersionUID = 1L;

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    JavaRequirement.require();
    return EmbeddedRows.of(rows, spec, vectors);
  }
}
