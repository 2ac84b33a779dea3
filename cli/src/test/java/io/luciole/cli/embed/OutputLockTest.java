package io.luciole.cli.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Output;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes at work on one output. */
@Timeout(120)
@SuppressWarnings("try") // Locks are held, not used.
class OutputLockTest {
  @TempDir private Path folder;

  @Test
  void open_whileAnotherProcessHasIt_isRefused() throws Exception {
    Process other = start(Holder.class);
    try (BufferedReader said = other.inputReader()) {
      assertThat(said.readLine()).isEqualTo("open");

      assertThatThrownBy(() -> open(folder))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "Another luciole embed is at work in "
                  + folder.resolve("out.jsonl.part")
                  + "; wait until it has ended, or choose another output");
      // Looking at it takes nothing from the other.
      assertThatThrownBy(() -> open(folder)).isInstanceOf(IOException.class);
    } finally {
      other.destroyForcibly().waitFor();
    }
    open(folder).close();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void take_processesThatComeAndGo_areNeverTwoAtOnce() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(start(Contender.class));
    }
    int turns = 0;
    for (Process process : processes) {
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(said).isZero();
      turns += Integer.parseInt(said.strip());
    }
    assertThat(turns).isEqualTo(3 * Contender.TURNS);
    assertThat(folder).isEmptyDirectory();
  }

  private Process start(Class<?> main) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            main.getName(),
            folder.toString())
        .redirectErrorStream(true)
        .start();
  }

  private static KeptOutput open(Path folder) throws IOException {
    VectorLayout layout = new VectorLayout(Set.of(Output.DENSE), 2, null, Map.of());
    KeptOutput.Job job =
        new KeptOutput.Job(
            folder.resolve("out.jsonl"), VectorFormat.JSONL, layout, Map.of("weights", "1"), null);
    return KeptOutput.open(job, false, Duration.ofDays(1), () -> {});
  }

  /** Opens the output and keeps it until it is killed. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws Exception {
      KeptOutput output = open(Path.of(args[0]));
      System.out.println("open");
      System.in.read();
      output.close();
    }
  }

  /** Takes and returns the lock many times; tells how many times it was alone with it. */
  static final class Contender {
    static final int TURNS = 300;

    private Contender() {}

    public static void main(String[] args) throws Exception {
      Path witness = Path.of(args[0], "witness");
      int turns = 0;
      while (turns < TURNS) {
        try (OutputLock lock = OutputLock.take(Path.of(args[0], "work"))) {
          Files.createFile(witness);
          Files.delete(witness);
          turns++;
        } catch (IOException e) {
          if (!String.valueOf(e.getMessage()).startsWith("Another luciole embed")) {
            throw e;
          }
        }
      }
      System.out.println(turns);
    }
  }
}
