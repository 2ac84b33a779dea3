package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What a Java that is too old is told. */
class JavaRequirementTest {
  private static final int JAVA_17 = 61;

  @Test
  void olderJava_isRefusedInWords_andNewerOnesPass() {
    assertThatThrownBy(() -> JavaRequirement.require(Runtime.Version.parse("17.0.12"), "/opt/java"))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("needs Java 21 or later on the driver and on every executor")
        .hasMessageContaining("found Java 17.0.12 in /opt/java")
        .hasMessageContaining("spark.executorEnv.JAVA_HOME");
    assertThatCode(() -> JavaRequirement.require(Runtime.Version.parse("21"), "/opt/java"))
        .doesNotThrowAnyException();
  }

  @Test
  void classesOfThisModule_canBeLoadedByJava17() throws IOException {
    Path classes = Path.of("target/classes/io/luciole/spark");
    try (Stream<Path> all = Files.list(classes)) {
      assertThat(all.filter(path -> path.toString().endsWith(".class")))
          .isNotEmpty()
          .allSatisfy(path -> {
            try (DataInputStream in = new DataInputStream(Files.newInputStream(path))) {
              assertThat(in.readInt()).isEqualTo(0xCAFEBABE);
              assertThat(in.readUnsignedShort()).isZero();
              assertThat(in.readUnsignedShort()).as("%s", path).isEqualTo(JAVA_17);
            }
          });
    }
  }

  @Test
  void java17_isToldSoByWhateverSparkCallsFirst() throws Exception {
    Path java17 = Path.of("/usr/lib/jvm/java-17-openjdk-amd64/bin/java");
    Assumptions.assumeTrue(Files.isExecutable(java17), "a Java 17 is needed");
    Process process =
        new ProcessBuilder(
                List.of(
                    java17.toString(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    OnOldJava.class.getName()))
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(said.lines().filter(line -> line.contains("Luciole needs Java 21")))
        .as(said)
        .hasSize(OnOldJava.CALLS);
  }
}
