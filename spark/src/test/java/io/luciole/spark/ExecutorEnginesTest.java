package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.codahale.metrics.MetricRegistry;
import io.luciole.DeviceLostException;
import io.luciole.Embedded;
import io.luciole.Embedding;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.LucioleException;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.junit.jupiter.api.Test;

/** Engines of executors, and which failures are a text's. */
class ExecutorEnginesTest {
  private static final Map<String, String> MODEL = Map.of("luciole.model", "m3");

  @Test
  void devices_areTheGpusOfTheTask_unlessASettingNamesOthers() {
    ResourceInformation gpus = new ResourceInformation("gpu", new String[] {"1", "3"});
    assertThat(ExecutorEngines.withDevices(MODEL, gpus))
        .containsEntry("luciole.device", "cuda:1,cuda:3")
        .containsEntry("luciole.model", "m3");
    assertThat(ExecutorEngines.withDevices(MODEL, gpus("3", "1")))
        .as("one engine, in whatever order Spark names the GPUs")
        .isEqualTo(ExecutorEngines.withDevices(MODEL, gpus));
    assertThat(ExecutorEngines.withDevices(Map.of("luciole.device", "cpu"), gpus))
        .containsExactly(Map.entry("luciole.device", "cpu"));
    assertThat(ExecutorEngines.withDevices(MODEL, null)).isEqualTo(MODEL);
  }

  private static ResourceInformation gpus(String... addresses) {
    return new ResourceInformation("gpu", addresses);
  }

  @Test
  void enginesOpenedEarly_areThoseThatTasksAskFor() {
    ResourceInformation two = gpus("0", "1");
    Map<String, String> first = ExecutorEngines.withDevices(MODEL, gpus("0"));
    Map<String, String> second = ExecutorEngines.withDevices(MODEL, gpus("1"));
    Map<String, String> both = ExecutorEngines.withDevices(MODEL, two);
    assertThat(ExecutorEngines.ofTasks(MODEL, two, 1)).containsExactly(first, second);
    assertThat(ExecutorEngines.ofTasks(MODEL, two, 0.25)).containsExactly(first, second);
    assertThat(ExecutorEngines.ofTasks(MODEL, two, 2)).containsExactly(both);
    assertThat(ExecutorEngines.ofTasks(MODEL, gpus("0"), 0.25)).containsExactly(first);
    assertThat(ExecutorEngines.ofTasks(MODEL, gpus("0", "1", "2", "3"), 2)).isEmpty();
  }

  @Test
  void enginesOpenedEarly_haveNoGpusWhereTasksHaveNone_andThoseOfTheSettingWhereThereIsOne() {
    assertThat(ExecutorEngines.ofTasks(MODEL, gpus("0", "1"), 0)).containsExactly(MODEL);
    assertThat(ExecutorEngines.ofTasks(MODEL, null, 1)).containsExactly(MODEL);
    Map<String, String> named = Map.of("luciole.device", "cuda:3", "luciole.model", "m3");
    assertThat(ExecutorEngines.ofTasks(named, gpus("0", "1", "2", "3"), 2)).containsExactly(named);
  }

  @Test
  void settings_areThoseOfSparkThatBeginWithLuciole() {
    assertThat(
            ClusterSettings.of(
                Map.of(
                    "spark.luciole.model", "m3", "spark.master", "local", "luciole.device", "x")))
        .isEqualTo(MODEL);
  }

  @Test
  void meters_areOfAllEngines() {
    MetricRegistry registry = new MetricRegistry();
    LucioleSparkPlugin.Meters.register(registry);
    assertThat(registry.getGauges().keySet())
        .containsExactlyInAnyOrder(
            "texts",
            "failed",
            "tokens",
            "batches",
            "waitingTexts",
            "waitingTokens",
            "tokensPerBatch",
            "busyShare");
    assertThat(registry.getGauges().values())
        .allSatisfy(gauge -> assertThat(((Number) gauge.getValue()).doubleValue()).isZero());
  }

  /** Rows whose embedding throws what a function says. */
  private static EmbeddedRows rows(int count, Function<Integer, LucioleException> failures) {
    Iterator<Row> rows =
        IntStream.range(0, count)
            .<Row>mapToObj(i -> RowFactory.create(Integer.toString(i)))
            .iterator();
    EmbeddingSpec spec = new EmbeddingSpec(MODEL, "PASSAGE", "text", null);
    return EmbeddedRows.of(
        rows,
        spec,
        List.of("dense"),
        (all, toText) ->
            new Iterator<>() {
              private int at;

              @Override
              public boolean hasNext() {
                return all.hasNext();
              }

              @Override
              public Embedded<Row> next() {
                Row row = all.next();
                LucioleException failure = failures.apply(at++);
                if (failure != null) {
                  throw failure;
                }
                return new Embedded<>(row, Embedding.ofTokens(3).withDense(new float[] {1}));
              }
            });
  }

  @Test
  void backendThatFailsOnSomeTexts_givesErrorsOfThoseRowsAlone() {
    EmbeddedRows rows = rows(60, i -> i % 3 == 0 ? null : new BackendException("no " + i));
    for (int i = 0; i < 60; i++) {
      Row row = rows.next();
      assertThat(row.getString(0)).isEqualTo(Integer.toString(i));
      assertThat(row.getString(4)).isEqualTo(i % 3 == 0 ? null : "no " + i);
    }
    assertThat(rows.hasNext()).isFalse();
  }

  @Test
  void backendThatFailsOnEveryText_andAnInterrupt_failTheTask() {
    EmbeddedRows broken = rows(60, i -> new BackendException("no device"));
    for (int i = 0; i < EmbeddedRows.MAX_BACKEND_FAILURES; i++) {
      assertThat(broken.next().getString(4)).isEqualTo("no device");
    }
    assertThatThrownBy(broken::next)
        .isInstanceOf(LucioleException.class)
        .hasMessageContaining("more than 16 texts in a row")
        .hasMessageContaining("no device");
    assertThatThrownBy(() -> rows(1, i -> new EmbeddingInterruptedException("killed")).next())
        .isInstanceOf(EmbeddingInterruptedException.class);
  }

  @Test
  void lostDevice_andTooLittleMemory_failTheTaskAtOnce() {
    for (BackendException failure :
        List.of(
            new DeviceLostException("cuda:0 gave no answer"),
            new BackendOutOfMemoryException("no room for the batch"))) {
      EmbeddedRows rows = rows(2, i -> i == 0 ? null : failure);
      assertThat(rows.next().isNullAt(4)).isTrue();
      assertThatThrownBy(rows::next).isSameAs(failure);
    }
  }
}
