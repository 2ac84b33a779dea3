package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code luciole embed} is killed at random moments, as by {@code kill -9}, and run again until it
 * ends: the output then has every text once.
 *
 * <p>The texts come through standard input, and the last one only in the last run: so no run ends
 * before it is killed. Each is killed after a checkpoint of its own, up to a second later.
 */
@Timeout(900)
@SuppressWarnings("try") // Feeders and locks are held, not used.
class EmbedKillTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"vectors.jsonl, true", "vectors.parquet, false"})
  void embed_interruptedOnce_hasEveryTextOnce(String output, boolean killed) throws Exception {
    Runs runs = new Runs(output, 400, 1);
    // Process.destroy would also end the texts, and a run that has come to their end may complete.
    long kept =
        runs.interrupt(killed ? Process::destroyForcibly : p -> p.toHandle().destroy(), 200);
    assertThat(kept).isPositive();
    if (!killed) {
      // As Ctrl-C does: what was embedded is kept to the last text, and told.
      assertThat(folder.resolve("log")).content().contains("Stopped. What was embedded is kept in");
      assertThat(folder.resolve(output + ".part.lock")).doesNotExist();
    }
    runs.complete();
  }

  @ParameterizedTest
  @Tag("long")
  @ValueSource(strings = {"vectors.jsonl", "vectors.parquet"})
  void embed_killedTwentyTimes_hasEveryTextOnce(String output) throws Exception {
    int kills = 20;
    Runs runs = new Runs(output, 11_429, kills);
    List<Long> kept = new ArrayList<>();
    for (int i = 0; i < kills; i++) {
      if (i % 4 == 3) {
        runs.killAtTheStart();
      }
      kept.add(runs.interrupt(Process::destroyForcibly, 1000));
    }
    runs.complete();

    System.out.printf(
        "%s: killed with %s of 11,429 texts kept, seed %d%n", output, kept, runs.seed);
    assertThat(kept).hasSize(kills).isSorted().doesNotHaveDuplicates();
  }

  /** The runs of one command. */
  private final class Runs {
    /** Texts that a run gets slowly, so that others remain for the next. */
    private static final long MILLIS_A_TEXT = 20;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final List<String> lines;
    private final Path output;
    private final Path journal;
    private final int atOnce;

    /**
     * Begins.
     *
     * @param interruptions among which the texts are divided
     */
    Runs(String name, int texts, int interruptions) throws IOException {
      lines = lines(texts);
      output = folder.resolve(name);
      journal = folder.resolve(name + ".part").resolve("journal.jsonl");
      atOnce = texts / (2 * (interruptions + 1));
    }

    long kept() throws IOException {
      return EmbedKillTest.kept(journal);
    }

    /** Interrupts a run after a checkpoint of its own; gives how many texts are kept. */
    long interrupt(Consumer<Process> how, int mostMillis) throws Exception {
      long before = kept();
      Process process = start(output);
      try (Feeder feeder = new Feeder(process, lines, before + atOnce)) {
        while (kept() <= before) {
          assertThat(process.isAlive()).as("seed %d, %s", seed, log()).isTrue();
          Thread.sleep(5);
        }
        Thread.sleep(random.nextInt(mostMillis));
        assertThat(process.isAlive()).as("seed %d, %s", seed, log()).isTrue();
        how.accept(process);
        process.waitFor();
      }
      assertThat(output).doesNotExist();
      return kept();
    }

    /** Kills a run while it starts, or reads what is done. */
    void killAtTheStart() throws Exception {
      long before = kept();
      Process process = start(output);
      try (Feeder feeder = new Feeder(process, lines, before)) {
        Thread.sleep(random.nextInt(700));
        process.destroyForcibly().waitFor();
      }
      assertThat(kept()).isGreaterThanOrEqualTo(before);
    }

    void complete() throws Exception {
      Process last = start(output);
      try (BufferedWriter to = last.outputWriter(StandardCharsets.UTF_8)) {
        for (String line : lines) {
          to.write(line);
        }
      }
      assertThat(last.waitFor()).as("seed %d, %s", seed, log()).isZero();
      assertThat(ids(output)).as("seed %d", seed).isEqualTo(expected(lines.size()));
      assertThat(journal.getParent()).doesNotExist();
      assertThat(folder.resolve(output.getFileName() + ".part.lock")).doesNotExist();
    }

    private String log() throws IOException {
      return Files.readString(folder.resolve("log"));
    }
  }

  /** Writes texts to a process until it ends: some at once, the others slowly, the last never. */
  private static final class Feeder implements AutoCloseable {
    private final BufferedWriter to;
    private final Thread thread;

    Feeder(Process process, List<String> lines, long atOnce) {
      to = process.outputWriter(StandardCharsets.UTF_8);
      thread = Thread.ofVirtual().start(() -> write(lines, atOnce));
    }

    private void write(List<String> lines, long atOnce) {
      try {
        for (int i = 0; i < lines.size() - 1; i++) {
          to.write(lines.get(i));
          if (i >= atOnce) {
            to.flush();
            Thread.sleep(Runs.MILLIS_A_TEXT);
          }
        }
      } catch (IOException e) {
        // The process was killed.
      } catch (InterruptedException e) {
        // Closed.
      }
    }

    @Override
    public void close() throws InterruptedException {
      thread.interrupt();
      thread.join();
      try {
        to.close();
      } catch (IOException e) {
        // The process was killed.
      }
    }
  }

  /** The texts that the last whole line of a journal counts. */
  private static long kept(Path journal) throws IOException {
    if (!Files.exists(journal)) {
      return 0;
    }
    String all = Files.readString(journal);
    String whole = all.substring(0, all.lastIndexOf('\n') + 1);
    return whole.lines().reduce((first, second) -> second).map(EmbedKillTest::texts).orElse(0L);
  }

  private static long texts(String line) {
    try {
      return JSON.readTree(line).path("texts").longValue();
    } catch (IOException e) {
      throw new AssertionError(line, e);
    }
  }

  private Process start(Path output) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-Dluciole.cache=" + System.getProperty("luciole.cache", folder + "/cache"),
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "embed",
            "--checkpoint",
            "1",
            "--input",
            "-",
            "--output",
            output.toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
        .start();
  }

  /** Lines with the demo's texts, over and over, each with its number before it. */
  private static List<String> lines(int count) throws IOException {
    List<String> demo = new ArrayList<>();
    try (Stream<String> lines = Files.lines(Path.of("..", "examples", "corpus", "corpus.jsonl"))) {
      for (String line : (Iterable<String>) lines::iterator) {
        demo.add(JSON.readTree(line).path("text").textValue());
      }
    }
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      JsonNode line =
          JSON.createObjectNode()
              .put("_id", "d" + i)
              .put("text", i + " " + demo.get(i % demo.size()));
      lines.add(line + "\n");
    }
    return lines;
  }

  private static List<String> expected(int count) {
    return Stream.iterate(0, i -> i + 1).limit(count).map(i -> "d" + i).toList();
  }

  private static List<String> ids(Path output) throws IOException {
    List<String> ids = new ArrayList<>();
    if (output.toString().endsWith(".parquet")) {
      try (ParquetFileReader reader = ParquetFileReader.open(InputFile.of(output));
          RowReader row = reader.rowReader()) {
        while (row.hasNext()) {
          row.next();
          assertThat(row.getList("dense").size()).isEqualTo(384);
          ids.add(row.getString(0));
        }
      }
      return ids;
    }
    try (Stream<String> lines = Files.lines(output)) {
      for (String line : (Iterable<String>) lines::iterator) {
        JsonNode object = JSON.readTree(line);
        assertThat(object.path("dense")).hasSize(384);
        ids.add(object.path("id").textValue());
      }
    }
    return ids;
  }
}
