package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.DeviceLostException;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.EngineHealth;
import io.luciole.spi.Device;
import io.luciole.testkit.FakeModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs of Spark on a device that is lost meanwhile. */
@Timeout(600)
class LostDeviceTest {
  private static final int DOCUMENTS = 400;

  private static final EngineHealth LOST = health(EngineHealth.State.UNHEALTHY);

  @TempDir private Path folder;

  @Test
  void deviceThatIsLostForAWhile_costsNoDocumentAndFailsNoJob() throws Exception {
    Path model = Files.createDirectory(folder.resolve("model"));
    FakeModel.write(model, 512);
    Path corpus = Corpus.write(folder.resolve("corpus"), DOCUMENTS, 4);
    Map<String, String> configuration =
        Map.of(
            "spark.luciole.model", model.toString(),
            "spark.luciole.backend", "losable",
            "spark.luciole.token-budget", "256");
    try (SparkRun spark = SparkRun.start(folder, configuration)) {
      Dataset<Row> embedded = LucioleEmbeddings.configured().apply(spark.documents(corpus));
      // It is opened again after one second in vain, and after two more with success; Spark has
      // used up a task's attempts long before.
      LosableBackend.lose(3, 1);
      List<Row> rows = embedded.select("id", "dense", "error").collectAsList();
      assertThat(LosableBackend.losses()).isPositive();
      assertThat(rows)
          .extracting(row -> row.getString(0))
          .containsExactlyInAnyOrderElementsOf(
              IntStream.range(0, DOCUMENTS).mapToObj(Corpus::id).toList());
      assertThat(rows)
          .allSatisfy(row -> {
            assertThat(row.isNullAt(1)).isFalse();
            assertThat(row.isNullAt(2)).isTrue();
          });
    }
  }

  private static EngineHealth health(EngineHealth.State state) {
    boolean usable = state != EngineHealth.State.UNHEALTHY;
    Optional<String> problem = usable ? Optional.empty() : Optional.of("it fell off the bus");
    return new EngineHealth(
        state, List.of(new EngineHealth.DeviceHealth(Device.CPU, usable, problem, 256)));
  }

  @Test
  void wait_endsWhenADeviceWorks_orTheEngineIsClosed() {
    for (EngineHealth.State end :
        List.of(
            EngineHealth.State.HEALTHY, EngineHealth.State.DEGRADED, EngineHealth.State.CLOSED)) {
      AtomicInteger asked = new AtomicInteger();
      LostDevices.await(
          () -> asked.incrementAndGet() < 3 ? LOST : health(end), () -> false, LostDevices.LIMIT);
      assertThat(asked).hasValue(3);
    }
  }

  @Test
  void deviceThatStaysLost_failsTheTaskWithTheReason() {
    assertThatThrownBy(() -> LostDevices.await(() -> LOST, () -> false, Duration.ofMillis(1)))
        .isInstanceOf(DeviceLostException.class)
        .hasMessageContaining("Expected a device that works")
        .hasMessageContaining("cpu: it fell off the bus");
  }

  @Test
  void waitOfATaskThatIsKilledOrInterrupted_ends() {
    assertThatThrownBy(() -> LostDevices.await(() -> LOST, () -> true, LostDevices.LIMIT))
        .isInstanceOf(EmbeddingInterruptedException.class)
        .hasMessageContaining("killed");
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> LostDevices.await(() -> LOST, () -> false, LostDevices.LIMIT))
        .isInstanceOf(EmbeddingInterruptedException.class)
        .hasMessageContaining("interrupted");
    assertThat(Thread.interrupted()).as("the flag stays set").isTrue();
  }
}
