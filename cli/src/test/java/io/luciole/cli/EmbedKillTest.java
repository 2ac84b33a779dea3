package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code luciole embed} is killed at random moments, as by {@code kill -9}, and run again until it
 * ends: the output then has every text once.
 */
class EmbedKillTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"vectors.jsonl", "vectors.parquet"})
  void embed_killedTwice_hasEveryTextOnce(String output) throws Exception {
    killAndResume(output, 400, 2);
  }

  @ParameterizedTest
  @Tag("long")
  @ValueSource(strings = {"vectors.jsonl", "vectors.parquet"})
  void embed_killedTwentyTimes_hasEveryTextOnce(String output) throws Exception {
    killAndResume(output, 11_429, 20);
  }

  private void killAndResume(String name, int texts, int kills) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path input = texts(texts);
    Path output = folder.resolve(name);
    Path journal = folder.resolve(name + ".part").resolve("journal.jsonl");
    List<Long> kept = new ArrayList<>();
    for (int i = 0; i < kills; i++) {
      Process process = start(input, output);
      // One in four dies before its first checkpoint, while it starts or reads what is done.
      long until =
          random.nextInt(4) == 0 && i > 0
              ? -1
              : kept(journal) + 1 + random.nextInt(Math.max(1, texts / (2 * kills)));
      while (process.isAlive() && kept(journal) < until) {
        Thread.sleep(5);
      }
      if (process.waitFor(random.nextInt(1000), TimeUnit.MILLISECONDS)) {
        // A machine so fast that nothing is left to kill.
        break;
      }
      process.destroyForcibly().waitFor();
      assertThat(output).doesNotExist();
      kept.add(kept(journal));
    }
    Process last = start(input, output);
    assertThat(last.waitFor()).as("seed %d", seed).isZero();

    System.out.printf("%s: killed with %s of %,d texts kept, seed %d%n", name, kept, texts, seed);
    assertThat(kept).isSorted();
    assertThat(ids(output)).as("seed %d", seed).isEqualTo(expected(texts));
    assertThat(journal.getParent()).doesNotExist();
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

  private Process start(Path input, Path output) throws IOException {
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
            input.toString(),
            "--output",
            output.toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
        .start();
  }

  /** The demo's texts, over and over, each with its number before it. */
  private Path texts(int count) throws IOException {
    List<String> demo = new ArrayList<>();
    try (Stream<String> lines = Files.lines(Path.of("..", "examples", "corpus", "corpus.jsonl"))) {
      for (String line : (Iterable<String>) lines::iterator) {
        demo.add(JSON.readTree(line).path("text").textValue());
      }
    }
    Path input = folder.resolve("texts.jsonl");
    try (BufferedWriter out = Files.newBufferedWriter(input)) {
      for (int i = 0; i < count; i++) {
        JsonNode line =
            JSON.createObjectNode()
                .put("_id", "d" + i)
                .put("text", i + " " + demo.get(i % demo.size()));
        out.write(line + "\n");
      }
    }
    return input;
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
