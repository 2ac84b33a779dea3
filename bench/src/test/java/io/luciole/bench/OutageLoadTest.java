package io.luciole.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The load of {@link OutageLoad} for seconds, with a folder that is taken away. */
@Timeout(300)
class OutageLoadTest {
  @TempDir private Path folder;

  /** Takes the folder of the index away, since a test cannot fill a disk. */
  private record TakenAway(Path index, Path away) implements OutageLoad.Outage {
    @Override
    public void begin() throws IOException {
      Files.move(index, away);
    }

    @Override
    public void end() throws IOException {
      Files.move(away, index);
    }
  }

  @Test
  void indexThatFails_losesNothingCommitted_andReadyTellsTheTruth() throws Exception {
    Path index = folder.resolve("index");
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model("starter").open()) {
      OutageLoad.Report report =
          OutageLoad.run(
              engine,
              index,
              new TakenAway(index, folder.resolve("away")),
              Duration.ofSeconds(1),
              Duration.ofSeconds(3),
              Duration.ofSeconds(3));
      assertThat(report.lies()).isEmpty();
      assertThat(report.lost()).isEmpty();
      assertThat(report.committed()).isPositive();
      assertThat(report.refused()).isPositive();
      assertThat(report.notReady()).isPositive();
      assertThat(report.searches()).isPositive();
      assertThat(report.embeddings()).isPositive();
      assertThat(report.otherFailures()).isZero();
    }
  }
}
