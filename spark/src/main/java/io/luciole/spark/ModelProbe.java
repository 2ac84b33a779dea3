package io.luciole.spark;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Asks an executor what model it has, by a job of one task: the driver needs neither the model nor
 * a GPU. The engine that this opens is the one that embeds afterwards.
 *
 * @param settings those of the engine
 */
record ModelProbe(Map<String, String> settings) implements MapPartitionsFunction<Long, Row> {
  private static final long serialVersionUID = 1L;

  private static final StructType ANSWER =
      new StructType()
          .add("fingerprint", DataTypes.StringType)
          .add("normalized", DataTypes.BooleanType)
          .add("colbertDimension", DataTypes.IntegerType)
          .add("outputs", DataTypes.StringType);

  static ModelFacts ask(SparkSession session, Map<String, String> settings) {
    Row answer =
        session
            .range(0, 1, 1, 1)
            .as(Encoders.LONG())
            .mapPartitions(new ModelProbe(settings), Encoders.row(ANSWER))
            .first();
    return new ModelFacts(
        answer.getString(0),
        answer.getBoolean(1),
        answer.getInt(2),
        List.of(answer.getString(3).split(",", -1)));
  }

  @Override
  public Iterator<Row> call(Iterator<Long> unused) {
    JavaRequirement.require();
    EmbeddingEngine engine = ExecutorEngines.get(settings);
    return List.of(
            RowFactory.create(
                engine.fingerprint().format(),
                engine.description().normalize(),
                engine.backend().colbertDimension(),
                engine.backend().outputs().stream()
                    .map(Output::id)
                    .collect(Collectors.joining(","))))
        .iterator();
  }
}
