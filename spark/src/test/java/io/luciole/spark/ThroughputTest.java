package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That a job keeps nearly all of the engine's throughput; for a machine that does nothing else. */
@Tag("long")
class ThroughputTest {
  private static final int DOCUMENTS = Integer.getInteger("luciole.test.documents", 11_429);
  private static final double LEAST = 0.9;

  @TempDir private Path folder;

  @Test
  void job_embedsNearlyAsFastAsTheEngineAlone() {
    assertThat(Throughput.share(folder, "starter", DOCUMENTS)).isGreaterThanOrEqualTo(LEAST);
  }
}
