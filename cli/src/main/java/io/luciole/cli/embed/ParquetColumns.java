package io.luciole.cli.embed;

import static java.util.Objects.requireNonNull;
import static org.apache.parquet.schema.LogicalTypeAnnotation.stringType;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BINARY;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.BOOLEAN;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.FLOAT;
import static org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName.INT32;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Types;
import org.jspecify.annotations.Nullable;

/**
 * The columns of a Parquet file of vectors, of which those of outputs that were not asked for are
 * left out:
 *
 * <pre>
 * id             string
 * tokens         int32
 * truncated      boolean
 * dense          list of float
 * sparse         struct: ids, list of int32, ascending; weights, list of float
 * token_strings  list of string, those of sparse.ids
 * colbert        list of list of float, a vector a token
 * </pre>
 *
 * <p>No value is null. Lists have the three levels of the format's specification.
 */
final class ParquetColumns extends WriteSupport<ParquetColumns.Row> {
  private static final String LIST = "list";
  private static final String ELEMENT = "element";

  /** A row. */
  record Row(TextItem item, Embedding embedding) {}

  private final VectorLayout layout;
  private @Nullable RecordConsumer consumer;

  ParquetColumns(VectorLayout layout) {
    this.layout = layout;
  }

  /** The columns of a layout. */
  static MessageType schema(VectorLayout layout) {
    Types.GroupBuilder<MessageType> columns =
        Types.buildMessage()
            .required(BINARY)
            .as(stringType())
            .named("id")
            .required(INT32)
            .named("tokens")
            .required(BOOLEAN)
            .named("truncated");
    if (layout.outputs().contains(Output.DENSE)) {
      columns.requiredList().requiredElement(FLOAT).named("dense");
    }
    if (layout.outputs().contains(Output.SPARSE)) {
      columns
          .requiredGroup()
          .requiredList()
          .requiredElement(INT32)
          .named("ids")
          .requiredList()
          .requiredElement(FLOAT)
          .named("weights")
          .named("sparse");
      if (layout.tokenStrings() != null) {
        columns.requiredList().requiredElement(BINARY).as(stringType()).named("token_strings");
      }
    }
    if (layout.outputs().contains(Output.COLBERT)) {
      columns.requiredList().requiredListElement().requiredElement(FLOAT).named("colbert");
    }
    return columns.named("embedding");
  }

  @Override
  public WriteContext init(ParquetConfiguration configuration) {
    return new WriteContext(schema(layout), layout.about());
  }

  @Override
  @SuppressWarnings("deprecation") // The library has it abstract still.
  public WriteContext init(org.apache.hadoop.conf.Configuration configuration) {
    throw new UnsupportedOperationException("Hadoop's configuration is not used");
  }

  @Override
  public void prepareForWrite(RecordConsumer recordConsumer) {
    consumer = recordConsumer;
  }

  @Override
  public void write(Row row) {
    RecordConsumer to = requireNonNull(consumer);
    new RowWriter(to, layout).write(row);
  }

  /** Writes one row; the fields' numbers are their places in the schema. */
  private static final class RowWriter {
    private final RecordConsumer to;
    private final VectorLayout layout;
    private int column;

    RowWriter(RecordConsumer to, VectorLayout layout) {
      this.to = to;
      this.layout = layout;
    }

    void write(Row row) {
      Embedding embedding = row.embedding();
      to.startMessage();
      field("id", () -> to.addBinary(Binary.fromString(row.item().id().value())));
      field("tokens", () -> to.addInteger(embedding.tokenCount()));
      field("truncated", () -> to.addBoolean(embedding.truncated()));
      if (layout.outputs().contains(Output.DENSE)) {
        field("dense", () -> floats(embedding.dense()));
      }
      if (layout.outputs().contains(Output.SPARSE)) {
        sparse(embedding.sparse());
      }
      if (layout.outputs().contains(Output.COLBERT)) {
        MultiVector vectors = embedding.colbert();
        field("colbert", () -> list(vectors.rows(), i -> floats(vectors.row(i))));
      }
      to.endMessage();
    }

    private void sparse(SparseVector vector) {
      field(
          "sparse",
          () -> {
            to.startGroup();
            to.startField("ids", 0);
            list(vector.size(), i -> to.addInteger(vector.id(i)));
            to.endField("ids", 0);
            to.startField("weights", 1);
            list(vector.size(), i -> to.addFloat(vector.weight(i)));
            to.endField("weights", 1);
            to.endGroup();
          });
      IntFunction<String> strings = layout.tokenStrings();
      if (strings != null) {
        field(
            "token_strings",
            () ->
                list(
                    vector.size(),
                    i -> to.addBinary(Binary.fromString(strings.apply(vector.id(i))))));
      }
    }

    private void field(String name, Runnable value) {
      to.startField(name, column);
      value.run();
      to.endField(name, column);
      column++;
    }

    private void floats(float[] values) {
      list(values.length, i -> to.addFloat(values[i]));
    }

    /** A list, whose inner field is left out where it is empty. */
    private void list(int size, IntConsumer element) {
      to.startGroup();
      if (size > 0) {
        to.startField(LIST, 0);
        for (int i = 0; i < size; i++) {
          to.startGroup();
          to.startField(ELEMENT, 0);
          element.accept(i);
          to.endField(ELEMENT, 0);
          to.endGroup();
        }
        to.endField(LIST, 0);
      }
      to.endGroup();
    }
  }
}
