package io.luciole.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The columns that hold embeddings, and what their metadata say of the model. Parquet keeps both.
 */
final class EmbeddingColumns {
  /** The dense vector. */
  static final String DENSE = "dense";

  /** The weights of tokens: {@code ids}, ascending, and {@code weights}, one for each. */
  static final String SPARSE = "sparse";

  /** The vectors of tokens, one array for each. */
  static final String COLBERT = "colbert";

  /** How many tokens the model saw. */
  static final String TOKENS = "tokens";

  /** Whether the end of the text was cut off. */
  static final String TRUNCATED = "truncated";

  /** Why the text could not be embedded; null if it was. */
  static final String ERROR = "error";

  /** The columns of vectors, which the outputs of a model have the names of. */
  static final List<String> VECTORS = List.of(DENSE, SPARSE, COLBERT);

  /** All columns. */
  static final List<String> ALL = List.of(DENSE, SPARSE, COLBERT, TOKENS, TRUNCATED, ERROR);

  private static final String MODEL_KEY = "luciole.model";
  private static final String NORMALIZED_KEY = "luciole.normalized";
  private static final String DIMENSION_KEY = "luciole.colbert-dimension";

  private static final ArrayType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, false);
  private static final StructType WEIGHTS =
      new StructType()
          .add("ids", DataTypes.createArrayType(DataTypes.IntegerType, false), false)
          .add("weights", FLOATS, false);

  private EmbeddingColumns() {}

  /**
   * Adds the columns of a model's embeddings to those of the input.
   *
   * @param vectors the columns of vectors that are wanted
   * @throws IllegalArgumentException if the input has a column of such a name
   */
  static StructType addTo(StructType input, List<String> vectors) {
    List<String> taken = new ArrayList<>(List.of(input.fieldNames()));
    taken.retainAll(ALL);
    if (!taken.isEmpty()) {
      throw new IllegalArgumentException(
          "expected no columns of the names "
              + ALL
              + " in the input, found "
              + taken
              + ": drop or rename them first");
    }
    StructType schema = input;
    for (String vector : vectors) {
      schema = schema.add(vector, type(vector), true);
    }
    return schema
        .add(TOKENS, type(TOKENS), true)
        .add(TRUNCATED, type(TRUNCATED), true)
        .add(ERROR, type(ERROR), true);
  }

  /**
   * Checks the types of the columns that are there. Spark reads a value of another type as if it
   * were of the one that is asked for, and gives whatever its bytes mean then.
   *
   * @throws IllegalArgumentException if one has another type than {@link #addTo} gives it
   */
  static void requireTypes(StructType schema) {
    for (StructField field : schema.fields()) {
      if (ALL.contains(field.name())
          && !field.dataType().sameType(type(field.name()))
          && !field.dataType().sameType(DataTypes.NullType)) {
        String expected = type(field.name()).catalogString();
        throw new IllegalArgumentException(
            "expected the type "
                + expected
                + " in the column "
                + field.name()
                + ", found "
                + field.dataType().catalogString()
                + ": cast it, CAST("
                + field.name()
                + " AS "
                + expected
                + "), which keeps Luciole's vectors as they were if they went through JSON");
      }
    }
  }

  private static DataType type(String column) {
    return switch (column) {
      case DENSE -> FLOATS;
      case SPARSE -> WEIGHTS;
      case COLBERT -> DataTypes.createArrayType(FLOATS, false);
      case TOKENS -> DataTypes.IntegerType;
      case TRUNCATED -> DataTypes.BooleanType;
      case ERROR -> DataTypes.StringType;
      default -> throw new IllegalArgumentException("no column of embeddings: " + column);
    };
  }

  /** Tells a column whose vectors it has. */
  static Metadata describe(ModelFacts model) {
    return new MetadataBuilder()
        .putString(MODEL_KEY, model.fingerprint())
        .putBoolean(NORMALIZED_KEY, model.normalized())
        .putLong(DIMENSION_KEY, model.colbertDimension())
        .build();
  }

  /**
   * Reads what the columns of vectors tell of their model.
   *
   * @param given the fingerprint that the user names, where the columns tell none; or an empty text
   * @throws IllegalArgumentException if there are no vectors, or nothing tells their model, or they
   *     are of several models, or of another one than is given
   */
  static ModelFacts modelOf(StructType schema, String given) {
    List<StructField> vectors =
        Arrays.stream(schema.fields()).filter(field -> VECTORS.contains(field.name())).toList();
    if (vectors.isEmpty()) {
      throw new IllegalArgumentException(
          "expected at least one of the columns "
              + VECTORS
              + ", found "
              + List.of(schema.fieldNames())
              + ": embed the texts first (LucioleEmbeddings)");
    }
    List<String> outputs = vectors.stream().map(StructField::name).toList();
    List<Metadata> told =
        vectors.stream()
            .map(StructField::metadata)
            .filter(metadata -> metadata.contains(MODEL_KEY))
            .toList();
    List<String> models = told.stream().map(each -> each.getString(MODEL_KEY)).distinct().toList();
    if (models.size() > 1) {
      throw new IllegalArgumentException("expected vectors of one model, found those of " + models);
    }
    if (models.isEmpty() && given.isEmpty()) {
      throw new IllegalArgumentException(
          "the columns "
              + outputs
              + " do not tell which model they are of, since something dropped their metadata: name"
              + " its fingerprint by the option \"model\"");
    }
    if (!models.isEmpty() && !given.isEmpty() && !given.equals(models.get(0))) {
      throw new IllegalArgumentException(
          "the option \"model\" names "
              + given
              + ", the columns "
              + outputs
              + " tell that they are of "
              + models.get(0)
              + ": leave the option out, or drop the columns' metadata if it is wrong");
    }
    if (told.isEmpty() && outputs.contains(COLBERT)) {
      throw new IllegalArgumentException(
          "the column "
              + COLBERT
              + " does not tell how long its vectors are, since something dropped the metadata of the"
              + " columns "
              + outputs
              + ": keep rows in Parquet, which keeps it, or drop that column");
    }
    return new ModelFacts(
        models.isEmpty() ? given : models.get(0),
        told.isEmpty() || told.get(0).getBoolean(NORMALIZED_KEY),
        told.isEmpty() ? 0 : (int) told.get(0).getLong(DIMENSION_KEY),
        outputs);
  }
}
