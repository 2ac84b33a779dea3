package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The process is killed while it indexes, again and again; then a run is left to end. */
class CrashTest {
  private static final int DOCUMENTS = 1000;

  @TempDir Path folder;

  /** The process that is killed. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) {
      FakeModel model = new FakeModel(Output.DENSE, Output.SPARSE);
      try (EmbeddingEngine engine = model.open();
          DocumentSource source = BeirReader.corpus(Path.of(args[1]));
          HybridIndexer indexer = HybridIndexer.open(Path.of(args[0]), engine, options(engine))) {
        System.out.println("started");
        IndexingReport report = indexer.indexAll(source, progress -> {});
        System.out.println("done " + report.skipped() + " " + report.added());
      }
    }
  }

  private static WriteOptions options(EmbeddingEngine engine) {
    return WriteOptions.defaults()
        .schema(HybridSchema.builder(engine).sparseForm(SparseForm.BLOCKS).build())
        .commitEvery(Duration.ofMillis(30))
        .bufferMiB(1)
        .writerThreads(2);
  }

  @Test
  void killedAFewTimes_everyDocumentIsThereOnce() throws Exception {
    killAndResume(2);
  }

  @Tag("long")
  @Test
  void killedFiftyTimes_everyDocumentIsThereOnce() throws Exception {
    killAndResume(50);
  }

  private void killAndResume(int kills) throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    Texts texts = new Texts(seed);
    Path corpus = folder.resolve("corpus.jsonl");
    Files.writeString(
        corpus,
        IntStream.range(0, DOCUMENTS)
            .mapToObj(i -> "{\"_id\":\"d" + i + "\",\"text\":\"" + texts.text(8) + " w" + i + "\"}")
            .collect(Collectors.joining("\n")));
    Path index = folder.resolve("index");
    int killed = 0;
    int resumed = 0;
    while (killed < kills) {
      Process process = start(index, corpus);
      try (var out = process.inputReader(StandardCharsets.UTF_8)) {
        assertThat(out.readLine()).as("seed %d", seed).isEqualTo("started");
        boolean ended = process.waitFor(random.nextInt(400), TimeUnit.MILLISECONDS);
        process.destroyForcibly().waitFor();
        if (ended) {
          assertThat(process.exitValue()).as("seed %d", seed).isZero();
          break;
        }
        killed++;
      }
      if (Files.exists(index.resolve("segments_1")) || hasCommit(index)) {
        checkCommit(index, seed);
        resumed++;
      }
    }
    Process last = start(index, corpus);
    String output = new String(last.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(last.waitFor()).as("seed %d, %s", seed, output).isZero();
    assertThat(output).as("seed %d, %d commits found", seed, resumed).contains("done");
    Map<String, Integer> counts = checkCommit(index, seed);
    assertThat(counts).as("seed %d", seed).hasSize(DOCUMENTS);
    assertThat(IndexDescription.read(index).complete()).isTrue();
  }

  private static boolean hasCommit(Path index) throws IOException {
    try (FSDirectory directory = FSDirectory.open(index)) {
      return DirectoryReader.indexExists(directory);
    }
  }

  /** Sound, and no document twice. */
  private static Map<String, Integer> checkCommit(Path index, long seed) throws IOException {
    try (FSDirectory directory = FSDirectory.open(index);
        CheckIndex check = new CheckIndex(directory)) {
      assertThat(check.checkIndex().clean).as("seed %d", seed).isTrue();
    }
    Map<String, Integer> counts = new HashMap<>();
    try (FSDirectory directory = FSDirectory.open(index);
        var reader = DirectoryReader.open(directory)) {
      for (var leaf : reader.leaves()) {
        var ids = leaf.reader().getBinaryDocValues(SchemaFields.ID);
        for (int d = 0; d < leaf.reader().maxDoc(); d++) {
          if ((leaf.reader().getLiveDocs() == null || leaf.reader().getLiveDocs().get(d))
              && ids.advanceExact(d)) {
            counts.merge(ids.binaryValue().utf8ToString(), 1, Integer::sum);
          }
        }
      }
    }
    assertThat(counts.values()).as("seed %d", seed).containsOnly(1);
    return counts;
  }

  private static Process start(Path index, Path corpus) throws IOException {
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName(),
                index.toString(),
                corpus.toString()))
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }
}
