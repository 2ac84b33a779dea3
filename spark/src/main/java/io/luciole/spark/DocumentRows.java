package io.luciole.spark;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import io.luciole.lucene.SourceDocument;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** Reads documents and their embeddings from Spark's rows. Immutable. */
final class DocumentRows {
  private static final int MISSING = -1;

  private final StructType columns;
  private final ShardPlan.ColumnNames names;
  private final Map<String, Integer> indexes = new HashMap<>();
  private final List<StructField> metadata;

  private DocumentRows(StructType columns, ShardPlan.ColumnNames names) {
    this.columns = columns;
    this.names = names;
    for (String name : columns.fieldNames()) {
      indexes.put(name, indexes.size());
    }
    Set<String> others = new HashSet<>(EmbeddingColumns.ALL);
    others.addAll(List.of(names.id(), names.text(), names.title()));
    metadata = Arrays.stream(columns.fields()).filter(f -> !others.contains(f.name())).toList();
  }

  static DocumentRows of(ShardPlan plan) {
    return new DocumentRows(plan.columns(), plan.names());
  }

  /**
   * Checks the columns.
   *
   * @throws IllegalArgumentException if one is missing or of a type that cannot be stored
   */
  void requireColumns() {
    DataType id = require(names.id(), "id").dataType();
    if (!(id.sameType(DataTypes.StringType)
        || id.sameType(DataTypes.LongType)
        || id.sameType(DataTypes.IntegerType))) {
      throw new IllegalArgumentException(
          "expected ids of strings or whole numbers in the column "
              + names.id()
              + ", found "
              + id.simpleString());
    }
    requireString(names.text(), "text");
    if (!names.title().isEmpty()) {
      requireString(names.title(), "title");
    }
    EmbeddingColumns.requireTypes(columns);
    for (StructField field : metadata) {
      FieldValue.requireKnown(field);
    }
  }

  private StructField require(String column, String option) {
    int at = index(column);
    if (at == MISSING) {
      throw new IllegalArgumentException(
          "expected a column "
              + column
              + ", found "
              + List.of(columns.fieldNames())
              + ": name yours by the option \""
              + option
              + '"');
    }
    return columns.fields()[at];
  }

  private void requireString(String column, String option) {
    DataType type = require(column, option).dataType();
    if (!type.sameType(DataTypes.StringType)) {
      throw new IllegalArgumentException(
          "expected strings in the column " + column + ", found " + type.simpleString());
    }
  }

  private int index(String column) {
    return indexes.getOrDefault(column, MISSING);
  }

  /** Why a row has no embedding; null if it has one. */
  @Nullable String error(InternalRow row) {
    int at = index(EmbeddingColumns.ERROR);
    return at == MISSING || row.isNullAt(at) ? null : row.getUTF8String(at).toString();
  }

  /** The id of a row, for people too. */
  String id(InternalRow row) {
    int at = index(names.id());
    Object id = row.isNullAt(at) ? null : row.get(at, columns.fields()[at].dataType());
    if (id == null) {
      throw new IllegalArgumentException(
          "expected an id in the column " + names.id() + ", found null");
    }
    return id.toString();
  }

  SourceDocument document(InternalRow row) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (StructField field : metadata) {
      int at = index(field.name());
      if (!row.isNullAt(at)) {
        values.put(field.name(), FieldValue.of(row, at, field.dataType()));
      }
    }
    return new SourceDocument(
        id(row), string(row, names.title()), string(row, names.text()), values);
  }

  private String string(InternalRow row, String column) {
    int at = index(column);
    return at == MISSING || row.isNullAt(at) ? "" : row.getUTF8String(at).toString();
  }

  Embedding embedding(InternalRow row) {
    int tokens = index(EmbeddingColumns.TOKENS);
    Embedding embedding =
        Embedding.ofTokens(tokens == MISSING || row.isNullAt(tokens) ? 1 : row.getInt(tokens));
    for (String vector : EmbeddingColumns.VECTORS) {
      int at = index(vector);
      if (at == MISSING) {
        continue;
      }
      if (row.isNullAt(at)) {
        throw new IllegalArgumentException(
            "expected vectors in the column "
                + vector
                + " of the document "
                + id(row)
                + ", found null: filter such rows, or embed them");
      }
      try {
        embedding = with(embedding, vector, row, at);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "the column " + vector + " of the document " + id(row) + ": " + e.getMessage(), e);
      }
    }
    return embedding;
  }

  private static Embedding with(Embedding embedding, String vector, InternalRow row, int at) {
    return switch (vector) {
      case EmbeddingColumns.DENSE -> embedding.withDense(floats(row.getArray(at)));
      case EmbeddingColumns.SPARSE -> {
        InternalRow sparse = row.getStruct(at, 2);
        requireNotNull(!sparse.isNullAt(0) && !sparse.isNullAt(1));
        ArrayData ids = sparse.getArray(0);
        requireNoNulls(ids);
        yield embedding.withSparse(SparseVector.of(ids.toIntArray(), floats(sparse.getArray(1))));
      }
      default -> embedding.withColbert(rows(row.getArray(at)));
    };
  }

  private static MultiVector rows(ArrayData rows) {
    requireNoNulls(rows);
    int dimension = rows.numElements() == 0 ? 1 : rows.getArray(0).numElements();
    float[] values = new float[rows.numElements() * dimension];
    for (int i = 0; i < rows.numElements(); i++) {
      float[] vector = floats(rows.getArray(i));
      if (vector.length != dimension) {
        throw new IllegalArgumentException(
            "expected vectors of "
                + dimension
                + " components, as the first one, found "
                + vector.length
                + " in vector "
                + i);
      }
      System.arraycopy(vector, 0, values, i * dimension, dimension);
    }
    return MultiVector.of(dimension, values);
  }

  private static float[] floats(ArrayData values) {
    requireNoNulls(values);
    return values.toFloatArray();
  }

  /** Spark reads a null within an array as 0. */
  private static void requireNoNulls(ArrayData values) {
    for (int i = 0; i < values.numElements(); i++) {
      requireNotNull(!values.isNullAt(i));
    }
  }

  private static void requireNotNull(boolean there) {
    if (!there) {
      throw new IllegalArgumentException(
          "expected values alone, found a null among them: filter such rows, or embed them");
    }
  }
}
