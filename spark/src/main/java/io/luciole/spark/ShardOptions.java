package io.luciole.spark;

import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.IndexKeys;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.model.ModelFingerprint;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** The options of the data source, which {@link LucioleSource} describes. */
final class ShardOptions {
  private static final String PATH = "path";
  private static final String ID = "id";
  private static final String TEXT = "text";
  private static final String TITLE = "title";
  private static final String METADATA = "metadata";
  private static final String QUANTIZATION = "quantization";
  private static final String ANALYZER = "analyzer";
  private static final String ERRORS = "errors";
  private static final String MODEL = "model";
  private static final Set<String> KNOWN =
      Set.of(PATH, ID, TEXT, TITLE, METADATA, QUANTIZATION, ANALYZER, ERRORS, MODEL);

  private final Map<String, String> values;

  /**
   * Takes the options of a write.
   *
   * @throws IllegalArgumentException if one is unknown or there is no path
   */
  ShardOptions(CaseInsensitiveStringMap options) {
    values = new TreeMap<>(options);
    for (String name : values.keySet()) {
      if (!KNOWN.contains(name)) {
        throw new IllegalArgumentException(
            "unknown option \"" + name + "\" of the data source luciole; there are " + KNOWN);
      }
    }
    if (!values.containsKey(PATH)) {
      throw new IllegalArgumentException(
          "expected a path to write shards to: .save(\"hdfs:///index\")");
    }
  }

  String path() {
    return value(PATH, "");
  }

  String id() {
    return value(ID, ID);
  }

  String text() {
    return value(TEXT, TEXT);
  }

  String title() {
    return value(TITLE, TITLE);
  }

  boolean namesTitle() {
    return values.containsKey(TITLE);
  }

  /** The fingerprint that is given, or an empty text. */
  String model() {
    return value(MODEL, "");
  }

  boolean skipsErrors() {
    String errors = value(ERRORS, "fail");
    if (!errors.equals("fail") && !errors.equals("skip")) {
      throw new IllegalArgumentException(
          "expected the option errors to be fail or skip, got \"" + errors + '"');
    }
    return errors.equals("skip");
  }

  /** The schema of every shard. */
  HybridSchema schema(ModelFacts model) {
    int dimension = ModelFingerprint.parse(model.fingerprint()).dimension();
    SchemaBuilder builder =
        HybridSchema.builder(dimension, model.normalized())
            .dense(model.outputs().contains(EmbeddingColumns.DENSE))
            .sparse(model.outputs().contains(EmbeddingColumns.SPARSE));
    if (model.outputs().contains(EmbeddingColumns.COLBERT)) {
      builder.multiVectors(MultiVectorForm.INT8, model.colbertDimension());
    }
    if (values.containsKey(QUANTIZATION)) {
      builder.quantization(DenseQuantization.parse(value(QUANTIZATION, "")));
    }
    if (values.containsKey(ANALYZER)) {
      builder.analyzer(value(ANALYZER, ""));
    }
    if (values.containsKey(METADATA)) {
      IndexKeys.fieldTypes().parse(value(METADATA, "")).forEach(builder::metadata);
    }
    return builder.build();
  }

  private String value(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }
}
