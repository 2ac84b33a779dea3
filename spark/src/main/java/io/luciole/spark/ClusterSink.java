package io.luciole.spark;

import static java.util.Objects.requireNonNull;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.when;

import io.luciole.LucioleException;
import io.luciole.model.ModelFingerprint;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.ForeachPartitionFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Writes a dataset of documents and their embeddings into an index of Elasticsearch or OpenSearch.
 *
 * <pre>{@code
 * ClusterSink.of(ClusterKind.OPENSEARCH, BulkTarget.of(URI.create("https://search:9200"), "passages"))
 *     .write(spark.read().parquet("embeddings"));
 * }</pre>
 *
 * <p>The driver creates the index with a mapping, unless it exists; each task sends its rows by
 * {@link BulkWriter}. All columns become fields of their name, but for the id, {@code colbert},
 * {@code tokens}, {@code truncated} and {@code error}. A task that Spark repeats writes the same
 * documents under the same ids again.
 *
 * <p>Immutable; safe for use by many threads.
 */
public final class ClusterSink {
  private static final String ID = "id";
  private static final String DOCUMENT = "document";

  private final ClusterKind kind;
  private final BulkTarget target;
  private final String id;

  private ClusterSink(ClusterKind kind, BulkTarget target, String id) {
    this.kind = kind;
    this.target = target;
    this.id = id;
  }

  /**
   * Creates a sink whose documents have the column {@code id} as their ids.
   *
   * @param kind what the cluster is
   * @param target the index
   * @return the sink
   */
  public static ClusterSink of(ClusterKind kind, BulkTarget target) {
    JavaRequirement.require();
    return new ClusterSink(requireNonNull(kind, "kind"), requireNonNull(target, "target"), ID);
  }

  /**
   * Sets the column of ids.
   *
   * @param column a column of strings or numbers
   * @return a changed copy
   */
  public ClusterSink id(String column) {
    return new ClusterSink(kind, target, requireNonNull(column, "column"));
  }

  /**
   * Writes a dataset. Blocks until all is written.
   *
   * @param rows the dataset, with the vectors of {@link LucioleEmbeddings#apply}
   * @throws IllegalArgumentException if it has no vectors, or its columns do not tell their model
   * @throws LucioleException if the cluster refuses the index
   */
  public void write(Dataset<Row> rows) {
    ModelFacts model = EmbeddingColumns.modelOf(rows.schema(), "");
    int dimension = ModelFingerprint.parse(model.fingerprint()).dimension();
    try (BulkWriter writer = BulkWriter.open(target)) {
      writer.createIndex(kind.index(model.outputs(), dimension, model.normalized()));
    }
    List<String> columns = List.of(rows.schema().fieldNames());
    Column document = to_json(struct(fields(columns).toArray(new Column[0])));
    if (columns.contains(EmbeddingColumns.ERROR)) {
      document = when(col(EmbeddingColumns.ERROR).isNull(), document);
    }
    for (String vector : model.outputs()) {
      document = when(isWhole(vector), document);
    }
    rows.select(col(id).cast("string").as(ID), document.as(DOCUMENT))
        .foreachPartition(new Partition(target));
  }

  private List<Column> fields(List<String> columns) {
    List<String> none =
        List.of(
            id,
            EmbeddingColumns.COLBERT,
            EmbeddingColumns.TOKENS,
            EmbeddingColumns.TRUNCATED,
            EmbeddingColumns.ERROR);
    List<Column> fields = new ArrayList<>();
    for (String column : columns) {
      if (column.equals(EmbeddingColumns.SPARSE)) {
        fields.add(weights().as(column));
      } else if (!none.contains(column)) {
        fields.add(col("`" + column + "`"));
      }
    }
    return fields;
  }

  /** Whether a vector that is sent is there, and has no nulls. */
  private static Column isWhole(String vector) {
    return expr(
        switch (vector) {
          case EmbeddingColumns.DENSE ->
              "dense IS NOT NULL AND NOT exists(dense, component -> component IS NULL)";
          case EmbeddingColumns.SPARSE ->
              "sparse.ids IS NOT NULL AND sparse.weights IS NOT NULL"
                  + " AND NOT exists(sparse.weights, weight -> weight IS NULL)";
          default -> "true";
        });
  }

  /** Weights by the ids of their tokens; both clusters refuse a weight of 0. */
  private static Column weights() {
    return expr(
        "map_filter(map_from_arrays(cast(sparse.ids as array<string>), sparse.weights),"
            + " (token, weight) -> weight > 0)");
  }

  /** Sends the rows of a partition. */
  private record Partition(BulkTarget target) implements ForeachPartitionFunction<Row> {
    private static final long serialVersionUID = 1L;

    @Override
    public void call(Iterator<Row> rows) {
      JavaRequirement.require();
      try (BulkWriter writer = BulkWriter.open(target)) {
        while (rows.hasNext()) {
          Row row = rows.next();
          String id = row.getString(0);
          if (id == null || row.isNullAt(1)) {
            throw new LucioleException(
                "Expected ids and embeddings of all rows, found none of "
                    + (id == null ? "a row without an id" : "the document " + id)
                    + ", or nulls in them. Filter such rows first (error IS NULL).");
          }
          writer.put(id, row.getString(1));
        }
      }
    }
  }
}
