package io.luciole.spark;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.ArraySeq;

/** Turns embeddings into values of the columns of {@link EmbeddingColumns}. */
final class EmbeddingValues {
  private EmbeddingValues() {}

  /** The row with the values of its embedding. */
  static Row row(Row row, List<String> vectors, Embedding embedding) {
    @Nullable Object[] values = startingWith(row, vectors);
    int i = row.length();
    for (String vector : vectors) {
      values[i++] = value(vector, embedding);
    }
    values[i++] = embedding.tokenCount();
    values[i] = embedding.truncated();
    return RowFactory.create(values);
  }

  /** The row with no embedding, but what went wrong. */
  static Row failed(Row row, List<String> vectors, String error) {
    @Nullable Object[] values = startingWith(row, vectors);
    values[values.length - 1] = error;
    return RowFactory.create(values);
  }

  private static @Nullable Object[] startingWith(Row row, List<String> vectors) {
    @Nullable Object[] values = new Object[row.length() + vectors.size() + 3];
    for (int i = 0; i < row.length(); i++) {
      values[i] = row.get(i);
    }
    return values;
  }

  private static Object value(String vector, Embedding embedding) {
    return switch (vector) {
      case EmbeddingColumns.DENSE -> floats(embedding.dense());
      case EmbeddingColumns.SPARSE -> weights(embedding.sparse());
      case EmbeddingColumns.COLBERT -> rows(embedding.colbert());
      default -> throw new IllegalArgumentException("no column of vectors: " + vector);
    };
  }

  private static Object floats(float[] values) {
    return new ArraySeq.ofFloat(values);
  }

  private static Row weights(SparseVector sparse) {
    int[] ids = new int[sparse.size()];
    float[] weights = new float[sparse.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = sparse.id(i);
      weights[i] = sparse.weight(i);
    }
    return RowFactory.create(new ArraySeq.ofInt(ids), floats(weights));
  }

  private static Object rows(MultiVector vectors) {
    Object[] rows = new Object[vectors.rows()];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = floats(vectors.row(i));
    }
    return new ArraySeq.ofRef<>(rows);
  }
}
