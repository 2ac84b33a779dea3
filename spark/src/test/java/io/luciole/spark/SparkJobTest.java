package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexMerge;
import io.luciole.lucene.ShardManifest;
import io.luciole.model.ModelFingerprint;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs of Spark in this process, on two threads. */
@Timeout(600)
class SparkJobTest {
  private static final int DOCUMENTS = 1000;
  private static final int PARTITIONS = 4;
  private static final StructType TEXTS =
      new StructType().add("id", "string").add("text", "string");

  @TempDir static Path home;

  @SuppressWarnings("NullAway.Init") // By start().
  private static SparkRun spark;

  private static Path corpus = Path.of("");

  @TempDir private Path folder;

  @BeforeAll
  static void start() {
    corpus = Corpus.write(home.resolve("corpus"), DOCUMENTS, PARTITIONS);
    spark =
        SparkRun.start(
            home,
            Map.of(
                "spark.plugins", LucioleSparkPlugin.class.getName(),
                "spark.sql.extensions", LucioleExtensions.class.getName(),
                "spark.luciole.model", MiniM3.folder().toString(),
                "spark.luciole.threads", "1",
                "spark.hadoop.fs.full.impl", FullFileSystem.class.getName()));
  }

  @AfterAll
  static void stop() {
    spark.close();
  }

  private static void write(Dataset<Row> rows, Path target) {
    rows.write().format("luciole").mode("append").save(target.toString());
  }

  private static Dataset<Row> texts(Row... rows) {
    return spark.session().createDataFrame(List.of(rows), TEXTS);
  }

  /** Throws in the middle of a partition, at its first attempt. */
  private record FailingOnce(int partition) implements MapPartitionsFunction<Row, Row> {
    static final AtomicInteger FAILED = new AtomicInteger();

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
      TaskContext task = TaskContext.get();
      if (task.partitionId() != partition || task.attemptNumber() > 0) {
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
          if (++read[0] > 200) {
            FAILED.incrementAndGet();
            throw new IllegalStateException("a task that fails once");
          }
          return rows.next();
        }
      };
    }
  }

  @Test
  void taskThatFailsOnce_leavesEachDocumentOnce() throws Exception {
    Dataset<Row> documents = spark.documents(corpus);
    Dataset<Row> failing =
        documents.mapPartitions(new FailingOnce(1), Encoders.row(documents.schema()));
    assertThat(failing.rdd().getNumPartitions()).isEqualTo(PARTITIONS);
    Path target = folder.resolve("shards");
    write(SparkRun.miniM3().apply(failing), target);
    assertThat(FailingOnce.FAILED).hasPositiveValue();
    ShardManifest manifest = ShardManifest.find(target).orElseThrow();
    assertThat(manifest.shards()).hasSize(PARTITIONS);
    assertThat(manifest.documents()).isEqualTo(DOCUMENTS);
    Shards.assertOnlyShards(target);
    Shards.assertNothingLeftBehind(home.resolve("local"));
    Shards.assertSameAsOneIndex(target, DOCUMENTS, folder);
  }

  @Test
  void parquet_keepsEveryBitAndTheModel() {
    Path parquet = folder.resolve("embeddings.parquet");
    SparkRun.miniM3()
        .outputs(Output.DENSE, Output.SPARSE, Output.COLBERT)
        .apply(spark.documents(corpus).limit(60))
        .write()
        .parquet(parquet.toString());
    Dataset<Row> read = spark.session().read().parquet(parquet.toString());
    EmbeddingEngine engine = ExecutorEngines.get(engineSettings());
    assertThat(read.schema().apply("dense").metadata().getString("luciole.model"))
        .isEqualTo(engine.fingerprint().format());
    List<Row> rows = read.collectAsList();
    assertThat(rows).hasSize(60);
    EmbedOptions all = EmbedOptions.passage().outputs(Output.DENSE, Output.SPARSE, Output.COLBERT);
    for (Row row : rows) {
      Embedding embedding = engine.embed(row.<String>getAs("text"), all).join();
      assertThat(floats(row.getList(row.fieldIndex("dense")))).containsExactly(embedding.dense());
      Row sparse = row.getStruct(row.fieldIndex("sparse"));
      float[] weights = new float[embedding.sparse().size()];
      int[] ids = new int[weights.length];
      for (int i = 0; i < weights.length; i++) {
        ids[i] = embedding.sparse().id(i);
        weights[i] = embedding.sparse().weight(i);
      }
      assertThat(sparse.getList(0)).containsExactly(Arrays.stream(ids).boxed().toArray());
      assertThat(floats(sparse.getList(1))).containsExactly(weights);
      List<scala.collection.Seq<Float>> rowsOfTokens = row.getList(row.fieldIndex("colbert"));
      assertThat(rowsOfTokens).hasSize(embedding.colbert().rows());
      for (int i = 0; i < rowsOfTokens.size(); i++) {
        assertThat(floats(scala.jdk.javaapi.CollectionConverters.asJava(rowsOfTokens.get(i))))
            .containsExactly(embedding.colbert().row(i));
      }
      assertThat((int) row.getAs("tokens")).isEqualTo(embedding.tokenCount());
      assertThat((boolean) row.getAs("truncated")).isFalse();
      assertThat((String) row.getAs("error")).isNull();
    }
    assertThat(ExecutorEngines.all()).as("one engine for all tasks").hasSize(1);
  }

  private static Map<String, String> engineSettings() {
    return Map.of("luciole.model", MiniM3.folder().toString(), "luciole.threads", "1");
  }

  private static float[] floats(List<?> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (Float) values.get(i);
    }
    return floats;
  }

  @Test
  void textThatFails_becomesARowWithItsError() throws IOException {
    Dataset<Row> rows =
        SparkRun.miniM3()
            .setting("luciole.truncation", "error")
            .apply(
                texts(
                    RowFactory.create("a", "a short text"),
                    RowFactory.create("b", null),
                    RowFactory.create("c", "word ".repeat(20_000)),
                    RowFactory.create("d", "another")));
    List<Row> embedded = rows.collectAsList();
    assertThat(embedded).extracting(row -> row.getString(0)).containsExactly("a", "b", "c", "d");
    assertThat(embedded)
        .extracting(row -> row.isNullAt(row.fieldIndex("dense")))
        .containsExactly(false, true, true, false);
    assertThat((String) embedded.get(1).getAs("error")).contains("column text, found null");
    assertThat((String) embedded.get(2).getAs("error")).contains("tokens");

    Path target = folder.resolve("shards");
    assertThatThrownBy(() -> write(rows, target))
        .rootCause()
        .hasMessageContaining("has no embedding")
        .hasMessageContaining("errors=skip");
    assertThat(Shards.names(target)).isEmpty();
    rows.write().format("luciole").mode("append").option("errors", "skip").save(target.toString());
    assertThat(ShardManifest.find(target).orElseThrow().documents()).isEqualTo(2);
  }

  @Test
  void shardsOfAnotherModelOrSchema_areNotMixed() throws IOException {
    Path target = Files.createDirectories(folder.resolve("shards"));
    Dataset<Row> rows = SparkRun.miniM3().apply(texts(RowFactory.create("a", "a short text")));
    write(rows, target);
    String before = Files.readString(target.resolve(ShardManifest.FILE));
    assertThatThrownBy(
            () -> write(rows.withColumn("lang", functions.lit("en")).drop("sparse"), target))
        .hasMessageContaining("have the schema of those to add except for")
        .hasMessageContaining("sparse: ");
    ShardManifest manifest = ShardManifest.parse(before);
    ModelFingerprint model = manifest.model();
    ModelFingerprint mean = model.withVectors(model.vectors().replaceFirst("^cls", "mean"));
    Files.writeString(
        target.resolve(ShardManifest.FILE),
        new ShardManifest(manifest.schema(), mean, manifest.shards()).format());
    assertThatThrownBy(() -> write(rows, target))
        .hasMessageContaining("made otherwise: pooling: mean instead of cls");
    ModelFingerprint other =
        new ModelFingerprint(
            "other", model.dimension(), model.tokenizerDigest(), "0".repeat(64), "");
    Files.writeString(
        target.resolve(ShardManifest.FILE),
        new ShardManifest(manifest.schema(), other, manifest.shards()).format());
    assertThatThrownBy(() -> write(rows, target))
        .hasMessageContaining("hold vectors of the model other")
        .hasMessageContaining("overwrite");
    Dataset<Row> plain = rows.select("id", "text", "error");
    assertThatThrownBy(() -> write(plain, target)).hasMessageContaining("embed the texts first");
  }

  @Test
  void appendAdds_overwriteReplaces_andUnknownOptionsAreRefused() throws IOException {
    Path target = folder.resolve("shards");
    Dataset<Row> one = SparkRun.miniM3().apply(texts(RowFactory.create("a", "a short text")));
    Dataset<Row> two = SparkRun.miniM3().apply(texts(RowFactory.create("b", "another")));
    write(one, target);
    write(two, target);
    assertThat(ShardManifest.find(target).orElseThrow().shards()).hasSize(2);
    Shards.assertOnlyShards(target);
    two.write().format("luciole").mode("overwrite").save(target.toString());
    assertThat(ShardManifest.find(target).orElseThrow().shards()).hasSize(1);
    Shards.assertOnlyShards(target);
    assertThatThrownBy(() ->
            one.write()
                .format("luciole")
                .mode("append")
                .option("quantisation", "int8")
                .save(target.toString()))
        .hasMessageContaining("unknown option \"quantisation\"");
  }

  @Test
  void jobWithoutDocuments_leavesAnIndexThatIsSearchedMergedAndAppendedTo() throws IOException {
    Path target = folder.resolve("shards");
    Dataset<Row> one = SparkRun.miniM3().apply(texts(RowFactory.create("a", "a short text")));
    Dataset<Row> failed = SparkRun.miniM3().apply(texts(RowFactory.create("b", null)));
    write(one, target);
    one.filter("id = 'none'").write().format("luciole").mode("overwrite").save(target.toString());
    assertEmptyIndex(target);
    failed
        .write()
        .format("luciole")
        .mode("overwrite")
        .option("errors", "skip")
        .save(target.toString());
    assertEmptyIndex(target);
    write(one.limit(0), target);
    assertEmptyIndex(target);
    Path other = folder.resolve("other");
    write(one.limit(0), other);
    assertThat(IndexMerge.of(List.of(other)).into(List.of(folder.resolve("merged"))).documents())
        .containsExactly(0L);
    write(one, target);
    assertThat(ShardManifest.find(target).orElseThrow().documents()).isEqualTo(1);
    Shards.assertOnlyShards(target);
    EmbeddingEngine engine = ExecutorEngines.get(engineSettings());
    try (HybridSearcher searcher = HybridSearcher.open(target, engine)) {
      assertThat(searcher.search(HybridQuery.of("a short text")).hits())
          .extracting(Hit::id)
          .containsExactly("a");
    }
  }

  private static void assertEmptyIndex(Path target) throws IOException {
    assertThat(ShardManifest.find(target).orElseThrow().documents()).isZero();
    Shards.assertOnlyShards(target);
    EmbeddingEngine engine = ExecutorEngines.get(engineSettings());
    try (HybridSearcher searcher = HybridSearcher.open(target, engine)) {
      assertThat(searcher.documents()).isZero();
      assertThat(searcher.search(HybridQuery.of("a short text")).hits()).isEmpty();
    }
  }

  @Test
  void fullDiskOfOneTask_failsTheJobOrIsRepeated_andChangesNothing() throws Exception {
    Path target = folder.resolve("shards");
    String path = FullFileSystem.SCHEME + "://" + target;
    Dataset<Row> rows = SparkRun.miniM3().apply(spark.documents(corpus).where("year < 1920"));
    FullFileSystem.FAILURES.set(Integer.MAX_VALUE);
    assertThatThrownBy(() -> rows.write().format("luciole").mode("append").save(path))
        .hasMessageContaining("could not be copied to full:" + target)
        .rootCause()
        .hasMessageContaining("No space left on device");
    Shards.assertNothingLeftBehind(target);
    assertThat(Shards.names(target)).isEmpty();
    FullFileSystem.FAILURES.set(1);
    rows.write().format("luciole").mode("append").save(path);
    assertThat(ShardManifest.find(target).orElseThrow().documents()).isEqualTo(DOCUMENTS / 5);
    Shards.assertOnlyShards(target);
    Shards.assertNothingLeftBehind(home.resolve("local"));
  }

  @Test
  void functionOfSql_embedsATableOrView() {
    spark.documents(corpus).limit(20).createOrReplaceTempView("documents");
    Dataset<Row> rows =
        spark
            .session()
            .sql("SELECT id, size(dense) AS n, error FROM luciole_embed('documents', 'text')");
    assertThat(rows.collectAsList())
        .hasSize(20)
        .allSatisfy(row -> {
          assertThat(row.getInt(1)).isEqualTo(96);
          assertThat(row.isNullAt(2)).isTrue();
        });
    assertThatThrownBy(() -> spark.session().sql("SELECT * FROM luciole_embed()"))
        .hasMessageContaining("luciole_embed(table");
  }

  @Test
  void columnsThatAreMissingOrTaken_areNamed() {
    Dataset<Row> rows = texts(RowFactory.create("a", "a short text"));
    assertThatThrownBy(() -> SparkRun.miniM3().text("body").apply(rows))
        .hasMessageContaining("a column of strings named body");
    assertThatThrownBy(() -> SparkRun.miniM3().apply(rows.withColumn("error", functions.lit(1))))
        .hasMessageContaining("found [error]");
  }

  @Test
  void vectorsOfOtherTypes_areRefusedWithTheCastThatHelps() throws IOException {
    Dataset<Row> rows = SparkRun.miniM3().apply(texts(RowFactory.create("a", "a short text")));
    String model = rows.schema().apply("dense").metadata().getString("luciole.model");
    Path json = folder.resolve("json");
    rows.write().json(json.toString());
    Dataset<Row> read = spark.session().read().json(json.toString());
    Path target = folder.resolve("shards");
    for (Dataset<Row> wrong :
        List.of(
            read,
            read.drop("sparse"),
            read.drop("dense"),
            rows.withColumn("dense", functions.lit("0.5 0.5")),
            rows.withColumn("error", functions.lit(7)))) {
      assertThatThrownBy(() ->
              wrong
                  .write()
                  .format("luciole")
                  .mode("append")
                  .option("model", model)
                  .save(target.toString()))
          .hasMessageContaining("expected the type ")
          .hasMessageContaining("CAST(");
    }
    assertThat(Shards.names(target)).isEmpty();
    read.withColumn("dense", functions.expr("CAST(dense AS array<float>)"))
        .withColumn(
            "sparse", functions.expr("CAST(sparse AS struct<ids:array<int>,weights:array<float>>)"))
        .withColumn("tokens", functions.expr("CAST(tokens AS int)"))
        .write()
        .format("luciole")
        .option("model", model)
        .mode("append")
        .save(target.toString());
    assertThat(ShardManifest.find(target).orElseThrow().documents()).isEqualTo(1);
  }

  @Test
  void nullWithinAVector_failsTheJob_namingTheDocument() {
    Dataset<Row> rows = SparkRun.miniM3().apply(texts(RowFactory.create("a", "a short text")));
    Path target = folder.resolve("shards");
    for (String column :
        List.of(
            "transform(dense, (x, i) -> if(i = 0, null, x)) AS dense",
            "named_struct('ids', sparse.ids, 'weights', transform(sparse.weights, x -> null)) AS"
                + " sparse")) {
      Dataset<Row> damaged =
          rows.selectExpr("id", "text", column.replace("-> null", "-> cast(null AS float)"));
      String model = rows.schema().apply("dense").metadata().getString("luciole.model");
      assertThatThrownBy(() ->
              damaged
                  .write()
                  .format("luciole")
                  .option("model", model)
                  .mode("append")
                  .save(target.toString()))
          .rootCause()
          .hasMessageContaining("expected values alone, found a null among them");
    }
  }

  @Test
  void documentThatCannotBeWritten_isNamed() throws IOException {
    Dataset<Row> rows =
        SparkRun.miniM3()
            .apply(texts(RowFactory.create("a", "a short text"), RowFactory.create("b", "a text")));
    Dataset<Row> damaged =
        rows.withColumn(
            "dense",
            functions
                .expr("if(id = 'b', slice(dense, 1, 3), dense)")
                .as("dense", rows.schema().apply("dense").metadata()));
    Path target = folder.resolve("shards");
    assertThatThrownBy(() -> write(damaged, target))
        .hasStackTraceContaining("the document b of the shard")
        .hasStackTraceContaining("components, got 3");
    assertThat(Shards.names(target)).isEmpty();
  }

  @Test
  void modelThatIsNotThatOfTheColumns_isRefused() throws IOException {
    Dataset<Row> rows = SparkRun.miniM3().apply(texts(RowFactory.create("a", "a short text")));
    String model = rows.schema().apply("dense").metadata().getString("luciole.model");
    Path target = folder.resolve("shards");
    assertThatThrownBy(() ->
            rows.write()
                .format("luciole")
                .mode("append")
                .option("model", model.replace("mini", "maxi"))
                .save(target.toString()))
        .hasMessageContaining("the option \"model\" names ")
        .hasMessageContaining("tell that they are of " + model);
    assertThat(Shards.names(target)).isEmpty();
  }
}
