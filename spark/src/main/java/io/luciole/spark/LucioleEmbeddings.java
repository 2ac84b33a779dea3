package io.luciole.spark;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import io.luciole.Role;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Embeds the texts of a dataset on its executors.
 *
 * <pre>{@code
 * Dataset<Row> embedded =
 *     LucioleEmbeddings.of("BAAI/bge-m3").text("text").title("title").apply(documents);
 * embedded.write().parquet("embeddings");
 * embedded.write().format("luciole").mode("append").save("shards");
 * }</pre>
 *
 * <p>Each executor opens the model once ({@link ExecutorEngines}); the tasks that it runs share the
 * engine, whose batches mix their texts. Partitions stay as they are, and rows in their order. Do
 * not shuffle between embedding and writing: when an executor is lost, what it has shuffled is lost
 * with it, and others embed it again.
 *
 * <p>Immutable; safe for use by many threads.
 */
public final class LucioleEmbeddings {
  private static final String MODEL = "luciole.model";

  private final Map<String, String> settings;
  private final String text;
  private final @Nullable String title;
  private final Role role;
  private final List<String> outputs;

  private LucioleEmbeddings(
      Map<String, String> settings,
      String text,
      @Nullable String title,
      Role role,
      List<String> outputs) {
    this.settings = settings;
    this.text = text;
    this.title = title;
    this.role = role;
    this.outputs = outputs;
  }

  /**
   * Starts with a model.
   *
   * @param model an alias, the name of a model on the hub, or a folder that each executor has, such
   *     as {@code ./m3} for {@code --archives m3.tar.gz#m3}
   * @return embeddings of the column {@code text}
   */
  public static LucioleEmbeddings of(String model) {
    return configured().setting(MODEL, model);
  }

  /**
   * Starts with the settings of the session and of the executors: {@code spark.luciole.model} and
   * others.
   *
   * @return embeddings of the column {@code text}
   */
  public static LucioleEmbeddings configured() {
    JavaRequirement.require();
    return new LucioleEmbeddings(Map.of(), "text", null, Role.PASSAGE, List.of());
  }

  /**
   * Sets the column of the texts, {@code text} by default.
   *
   * @param column the name of a column of strings
   * @return a changed copy
   */
  public LucioleEmbeddings text(String column) {
    requireNonNull(column, "column");
    return new LucioleEmbeddings(settings, column, title, role, outputs);
  }

  /**
   * Sets a column of titles, which are embedded before the texts, with a space between, as an index
   * does.
   *
   * @param column the name of a column of strings
   * @return a changed copy
   */
  public LucioleEmbeddings title(String column) {
    requireNonNull(column, "column");
    return new LucioleEmbeddings(settings, text, column, role, outputs);
  }

  /**
   * Sets whether the texts are queries or passages, which they are by default.
   *
   * @param wanted the role
   * @return a changed copy
   */
  public LucioleEmbeddings role(Role wanted) {
    requireNonNull(wanted, "wanted");
    return new LucioleEmbeddings(settings, text, title, wanted, outputs);
  }

  /**
   * Sets the vectors to compute. By default dense and sparse ones, as far as the model has them.
   *
   * @param first one of them
   * @param more others
   * @return a changed copy
   */
  public LucioleEmbeddings outputs(Output first, Output... more) {
    List<String> wanted = new ArrayList<>(List.of(first.id()));
    Arrays.stream(more).map(Output::id).forEach(wanted::add);
    List<String> ordered = EmbeddingColumns.VECTORS.stream().filter(wanted::contains).toList();
    return new LucioleEmbeddings(settings, text, title, role, ordered);
  }

  /**
   * Sets a setting of the executors' engines, which overrides those of the session and of the
   * executors' processes.
   *
   * @param name its name, such as {@code luciole.precision}
   * @param value its value
   * @return a changed copy
   */
  public LucioleEmbeddings setting(String name, String value) {
    Map<String, String> changed = new TreeMap<>(settings);
    changed.put(requireNonNull(name, "name"), requireNonNull(value, "value"));
    return new LucioleEmbeddings(Map.copyOf(changed), text, title, role, outputs);
  }

  /**
   * Adds the columns of embeddings to a dataset:
   *
   * <table>
   * <caption>Columns</caption>
   * <tr><th>column<th>type<th>value
   * <tr><td>{@code dense}<td>{@code array<float>}<td>the dense vector
   * <tr><td>{@code sparse}<td>{@code struct<ids: array<int>, weights: array<float>>}<td>the ids of
   *     tokens, ascending, and their weights
   * <tr><td>{@code colbert}<td>{@code array<array<float>>}<td>the vectors of tokens, if asked for
   * <tr><td>{@code tokens}<td>{@code int}<td>how many tokens the model saw
   * <tr><td>{@code truncated}<td>{@code boolean}<td>whether the end of the text was cut off
   * <tr><td>{@code error}<td>{@code string}<td>why the text could not be embedded; null if it was,
   *     otherwise all other columns of these are null
   * </table>
   *
   * The metadata of the columns of vectors name the model, and Parquet keeps them. A failure that
   * is not due to a text, such as a lost device, fails the task, and Spark repeats it. A task whose
   * engine has lost all of its devices waits first, for up to two minutes, until one works again.
   *
   * <p>Runs a job of one task, which opens the engine of an executor to learn which model it has;
   * else the result is lazy.
   *
   * @param rows the dataset
   * @return the dataset with these columns behind its own
   * @throws IllegalArgumentException if the column of texts or titles is missing or none of
   *     strings, the dataset has a column of such a name, or the model lacks an output
   */
  public Dataset<Row> apply(Dataset<Row> rows) {
    JavaRequirement.require();
    requireStrings(rows.schema(), text);
    if (title != null) {
      requireStrings(rows.schema(), title);
    }
    SparkSession session = rows.sparkSession();
    Map<String, String> all =
        new TreeMap<>(ClusterSettings.of(CollectionConverters.asJava(session.conf().getAll())));
    all.putAll(settings);
    ModelFacts model = ModelProbe.ask(session, Map.copyOf(all));
    List<String> vectors = vectors(model);
    StructType schema = EmbeddingColumns.addTo(rows.schema(), vectors);
    Dataset<Row> embedded =
        rows.mapPartitions(
            new PartitionEmbedder(new EmbeddingSpec(all, role.name(), text, title), vectors),
            Encoders.row(schema));
    Metadata metadata = EmbeddingColumns.describe(model);
    for (String vector : vectors) {
      embedded = embedded.withMetadata(vector, metadata);
    }
    return embedded;
  }

  private List<String> vectors(ModelFacts model) {
    if (outputs.isEmpty()) {
      return List.of(EmbeddingColumns.DENSE, EmbeddingColumns.SPARSE).stream()
          .filter(model.outputs()::contains)
          .toList();
    }
    if (!model.outputs().containsAll(outputs)) {
      throw new IllegalArgumentException(
          "expected a model with the outputs "
              + outputs
              + ", found one with "
              + model.outputs()
              + ": "
              + model.fingerprint());
    }
    return outputs;
  }

  private static void requireStrings(StructType schema, String column) {
    List<String> names = List.of(schema.fieldNames());
    if (!names.contains(column)
        || !schema.apply(column).dataType().sameType(DataTypes.StringType)) {
      throw new IllegalArgumentException(
          "expected a column of strings named "
              + column
              + ", found "
              + schema.simpleString()
              + ": name yours by text(…) or title(…)");
    }
  }
}
