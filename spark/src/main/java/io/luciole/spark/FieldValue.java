package io.luciole.spark;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;

/** Turns values of Spark's rows into values of a document's metadata. */
final class FieldValue {
  private FieldValue() {}

  /**
   * Checks a column of metadata.
   *
   * @throws IllegalArgumentException if its values are no metadata
   */
  static void requireKnown(StructField field) {
    DataType type =
        field.dataType() instanceof ArrayType array ? array.elementType() : field.dataType();
    if (!(type instanceof StringType
        || type instanceof NumericType
        || type instanceof BooleanType
        || type instanceof DateType
        || type instanceof TimestampType
        || type instanceof TimestampNTZType)) {
      throw new IllegalArgumentException(
          "the column "
              + field.name()
              + " of the type "
              + field.dataType().simpleString()
              + " cannot be stored with a document: drop it, or select its parts");
    }
  }

  /** The value of a column that is not null. */
  static Object of(InternalRow row, int at, DataType type) {
    return type instanceof ArrayType array
        ? list(row.getArray(at), array.elementType())
        : one(row, at, type);
  }

  private static List<Object> list(ArrayData array, DataType type) {
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < array.numElements(); i++) {
      if (!array.isNullAt(i)) {
        values.add(one(array, i, type));
      }
    }
    return values;
  }

  private static Object one(SpecializedGetters row, int at, DataType type) {
    if (type instanceof StringType) {
      return row.getUTF8String(at).toString();
    }
    if (type instanceof DateType) {
      return LocalDate.ofEpochDay(row.getInt(at));
    }
    if (type instanceof TimestampType) {
      return Instant.EPOCH.plus(row.getLong(at), ChronoUnit.MICROS);
    }
    if (type instanceof TimestampNTZType) {
      Instant utc = Instant.EPOCH.plus(row.getLong(at), ChronoUnit.MICROS);
      return LocalDateTime.ofInstant(utc, ZoneOffset.UTC);
    }
    if (type instanceof DecimalType decimal) {
      return row.getDecimal(at, decimal.precision(), decimal.scale()).toJavaBigDecimal();
    }
    return row.get(at, type);
  }
}
