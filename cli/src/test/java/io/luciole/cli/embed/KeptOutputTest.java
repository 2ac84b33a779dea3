package io.luciole.cli.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqStruct;
import io.luciole.Embedding;
import io.luciole.LucioleException;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeptOutputTest {
  private static final Set<Output> ALL = EnumSet.allOf(Output.class);
  private static final Duration EACH_TEXT = Duration.ZERO;
  private static final Duration NEVER = Duration.ofDays(1);
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(VectorFormat.class)
  void open_afterAnInterruption_goesOnBehindTheLastCheckpoint(VectorFormat format)
      throws IOException {
    Path straight = folder.resolve("straight");
    try (KeptOutput output = open(job(straight, format), EACH_TEXT)) {
      add(output, 0, 20);
      output.finish();
    }
    Path resumed = folder.resolve("resumed");
    try (KeptOutput output = open(job(resumed, format), NEVER)) {
      add(output, 0, 5);
    }
    for (int kept = 5; kept < 20; kept += 5) {
      tear(folder.resolve("resumed.part"));
      try (KeptOutput output = open(job(resumed, format), NEVER)) {
        assertThat(output.counts().texts()).isEqualTo(kept);
        output.skipDone(source(0, 20));
        add(output, kept, kept + 5);
      }
    }
    try (KeptOutput output = open(job(resumed, format), NEVER)) {
      output.skipDone(source(0, 20));
      output.finish();
    }

    assertThat(folder.resolve("resumed.part")).doesNotExist();
    if (format == VectorFormat.PARQUET) {
      assertThat(rows(resumed)).isEqualTo(rows(straight)).hasSize(20);
    } else {
      assertThat(resumed).hasSameBinaryContentAs(straight);
    }
  }

  /** Leaves what a killed process does: bytes behind the last checkpoint, and a torn line. */
  private static void tear(Path part) throws IOException {
    for (Path file : files(part)) {
      if (!file.toString().endsWith(".parquet")) {
        Files.writeString(file, "{\"texts\":99", StandardOpenOption.APPEND);
      }
    }
    Files.writeString(part.resolve("part-00077.parquet"), "PAR1");
  }

  @Test
  void open_otherSettings_namesThem() throws IOException {
    Path target = folder.resolve("out.jsonl");
    try (KeptOutput output = open(job(target, VectorFormat.JSONL), NEVER)) {
      add(output, 0, 3);
    }
    KeptOutput.Job other =
        new KeptOutput.Job(
            target,
            VectorFormat.JSONL,
            layout(ALL),
            Map.of("weights", "2", "role", "PASSAGE"),
            null);

    assertThatThrownBy(() -> open(other, NEVER))
        .isInstanceOf(LucioleException.class)
        .hasMessageContaining(target + ".part was begun with")
        .hasMessageContaining("weights 1, now 2.")
        .hasMessageContaining("--restart");
    try (KeptOutput output = KeptOutput.open(other, true, NEVER, () -> {})) {
      assertThat(output.counts().texts()).isZero();
    }
  }

  @Test
  void skipDone_otherTexts_areRefused() throws IOException {
    KeptOutput.Job job = job(folder.resolve("out.jsonl"), VectorFormat.JSONL);
    try (KeptOutput output = open(job, NEVER)) {
      add(output, 0, 3);
    }
    try (KeptOutput output = open(job, NEVER)) {
      assertThatThrownBy(() -> output.skipDone(source(1, 9)))
          .isInstanceOf(LucioleException.class)
          .hasMessageContaining("Expected the 3 texts that are embedded already")
          .hasMessageContaining("found others");
      assertThatThrownBy(() -> output.skipDone(source(0, 2)))
          .isInstanceOf(LucioleException.class)
          .hasMessageContaining("found only 2");
    }
    try (KeptOutput output = open(job, NEVER)) {
      output.skipDone(source(0, 9));
      assertThat(output.counts().texts()).isEqualTo(3);
    }
  }

  @Test
  void open_whileAnotherHasIt_isRefused() throws IOException {
    KeptOutput.Job job = job(folder.resolve("out.jsonl"), VectorFormat.JSONL);
    try (KeptOutput output = open(job, NEVER)) {
      add(output, 0, 1);

      assertThatThrownBy(() -> open(job, NEVER))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("Another luciole embed is at work in ");
    }
  }

  @Test
  void open_folderOfSomethingElse_isLeftAlone() throws IOException {
    Path other = Files.createDirectory(folder.resolve("out.jsonl.part"));
    Files.writeString(other.resolve("diary.txt"), "mine");

    assertThatThrownBy(() -> open(job(folder.resolve("out.jsonl"), VectorFormat.JSONL), NEVER))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("found other files");
    assertThat(other.resolve("diary.txt")).hasContent("mine");
  }

  /** A process may be killed between the file's move and the folder's removal. */
  @Test
  void open_fileIsInItsPlaceAlready_beginsAnew() throws IOException {
    KeptOutput.Job job = job(folder.resolve("out.jsonl"), VectorFormat.JSONL);
    try (KeptOutput output = open(job, NEVER)) {
      add(output, 0, 3);
    }
    Path part = folder.resolve("out.jsonl.part");
    Files.move(part.resolve("vectors.jsonl"), folder.resolve("out.jsonl"));

    try (KeptOutput output = open(job, NEVER)) {
      assertThat(output.counts().texts()).isZero();
    }
    assertThat(folder.resolve("out.jsonl")).isNotEmptyFile();
  }

  @Test
  void close_nothingDone_leavesNothing() throws IOException {
    open(job(folder.resolve("out.jsonl"), VectorFormat.JSONL), NEVER).close();

    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void failures_ofAllRuns_goToTheFileThatTheLastRunNames() throws IOException {
    Path first = folder.resolve("first.jsonl");
    Path last = Files.writeString(folder.resolve("last.txt"), "what stood there before");
    try (KeptOutput output = open(jobWithErrors(first), NEVER)) {
      add(output, 0, 1);
      output.add(failed(1));
    }
    Path kept = folder.resolve("out.jsonl.part").resolve("errors.jsonl");
    Files.writeString(kept, "{\"inp", StandardOpenOption.APPEND);
    try (KeptOutput output = open(jobWithErrors(null), NEVER)) {
      output.add(failed(2));
    }
    try (KeptOutput output = open(jobWithErrors(last), NEVER)) {
      add(output, 3, 4);
      output.add(failed(4));
      assertThat(output.counts()).isEqualTo(new EmbedOutput.Counts(5, 2, 2, 0));
      assertThat(last).hasContent("what stood there before");
      output.finish();
    }

    assertThat(first).doesNotExist();
    List<String> lines = Files.readAllLines(last);
    assertThat(lines).hasSize(3);
    assertThat(JSON.readTree(lines.get(0)))
        .isEqualTo(
            JSON.readTree(
                "{\"input\":\"texts\",\"line\":2,\"id\":\"t1\",\"error\":\"not finite\"}"));
    assertThat(lines.get(2)).contains("\"line\":5");
    assertThat(Files.readAllLines(folder.resolve("out.jsonl"))).hasSize(2);
    assertThat(files(folder)).containsExactlyInAnyOrder(last, folder.resolve("out.jsonl"));
  }

  private KeptOutput.Job jobWithErrors(@Nullable Path errors) {
    return new KeptOutput.Job(
        folder.resolve("out.jsonl"),
        VectorFormat.JSONL,
        layout(ALL),
        Map.of("weights", "1"),
        errors);
  }

  /** The folder of the work has files of these names. */
  @ParameterizedTest
  @ValueSource(strings = {"journal.jsonl", "errors.jsonl", "vectors.jsonl"})
  void target_ofAnyName_isWritten(String name) throws IOException {
    Path target = folder.resolve(name);
    try (KeptOutput output = open(job(target, VectorFormat.JSONL), NEVER)) {
      add(output, 0, 2);
      output.add(failed(2));
    }
    try (KeptOutput output = open(job(target, VectorFormat.JSONL), NEVER)) {
      assertThat(output.counts().texts()).isEqualTo(3);
      output.finish();
    }

    assertThat(Files.readAllLines(target))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("{\"id\":\"t0\""),
            line -> assertThat(line).startsWith("{\"id\":\"t1\""));
  }

  @Test
  void open_workOfAnotherVersion_isRefusedUnlessBegunAgain() throws IOException {
    KeptOutput.Job job = job(folder.resolve("out.jsonl"), VectorFormat.JSONL);
    Path part = Files.createDirectory(folder.resolve("out.jsonl.part"));
    Files.writeString(part.resolve("journal.jsonl"), "{\"layout\":1,\"settings\":{}}\n");
    Files.writeString(part.resolve("out.jsonl"), "{}\n");

    assertThatThrownBy(() -> open(job, NEVER))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("found 1, of another version of Luciole; begin again with --restart");
    try (KeptOutput output = KeptOutput.open(job, true, NEVER, () -> {})) {
      add(output, 0, 1);
      output.finish();
    }
    assertThat(Files.readAllLines(folder.resolve("out.jsonl"))).hasSize(1);
  }

  @Test
  void json_line_hasWhatWasAskedFor() throws IOException {
    Path target = write(VectorFormat.JSONL, ALL, 3);

    JsonNode line = JSON.readTree(Files.readAllLines(target).get(2));

    assertThat(line)
        .isEqualTo(
            JSON.readTree(
                """
                {"id":"t2","tokens":3,"truncated":true,"dense":[2.0,0.5],"sparse":{"1":2.0,"2":0.25},
                 "colbert":[[2.0,1.0],[2.0,1.0]],"token_strings":{"1":"<1>","2":"<2>"}}
                """));
    assertThat(JSON.readTree(Files.readAllLines(target).get(1)).has("truncated")).isFalse();
  }

  @Test
  void npy_isAsNumpyReadsIt() throws IOException {
    Path target = write(VectorFormat.NPY, Set.of(Output.DENSE), 3);

    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(target)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] magic = new byte[8];
    bytes.get(magic);
    assertThat(magic).containsExactly(0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0);
    byte[] header = new byte[bytes.getShort()];
    bytes.get(header);
    assertThat(new String(header, StandardCharsets.US_ASCII).strip())
        .isEqualTo("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }");
    assertThat(bytes.position()).isEqualTo(128);
    float[] values = new float[6];
    bytes.asFloatBuffer().get(values);
    assertThat(values).containsExactly(0, 0.5f, 1, 0.5f, 2, 0.5f);
    assertThat(bytes.remaining()).isEqualTo(24);
    assertThat(Files.readAllLines(folder.resolve("out.ids.jsonl")))
        .containsExactly(
            "{\"id\":\"t0\",\"tokens\":1}",
            "{\"id\":\"t1\",\"tokens\":2}",
            "{\"id\":\"t2\",\"tokens\":3,\"truncated\":true}");
  }

  @Test
  void parquet_rows_haveWhatWasAskedFor() throws IOException {
    Path target = write(VectorFormat.PARQUET, ALL, 3);

    assertThat(rows(target))
        .containsExactly(
            "t0 1 false [0.0, 0.5] [] [] [] []",
            "t1 2 false [1.0, 0.5] [1] [1.0] [<1>] [[1.0, 1.0]]",
            "t2 3 true [2.0, 0.5] [1, 2] [2.0, 0.25] [<1>, <2>] [[2.0, 1.0], [2.0, 1.0]]");
    try (ParquetFileReader reader = ParquetFileReader.open(InputFile.of(target))) {
      assertThat(reader.getFileMetaData().keyValueMetadata()).containsEntry("luciole.model", "m");
    }
  }

  @ParameterizedTest
  @EnumSource(VectorFormat.class)
  void noTexts_areAWholeFile(VectorFormat format) throws IOException {
    Path target = write(format, Set.of(Output.DENSE), 0);

    assertThat(target).exists();
    if (format == VectorFormat.PARQUET) {
      try (ParquetFileReader reader = ParquetFileReader.open(InputFile.of(target))) {
        assertThat(reader.getFileMetaData().numRows()).isZero();
      }
    }
  }

  private Path write(VectorFormat format, Set<Output> outputs, int count) throws IOException {
    Path target = folder.resolve("out." + format.id());
    KeptOutput.Job job =
        new KeptOutput.Job(target, format, layout(outputs), Map.of("weights", "1"), null);
    try (KeptOutput output = open(job, EACH_TEXT)) {
      add(output, 0, count);
      output.finish();
    }
    return target;
  }

  private static KeptOutput open(KeptOutput.Job job, Duration interval) throws IOException {
    return KeptOutput.open(job, false, interval, () -> {});
  }

  private static KeptOutput.Job job(Path target, VectorFormat format) {
    Set<Output> outputs = format == VectorFormat.NPY ? Set.of(Output.DENSE) : ALL;
    return new KeptOutput.Job(
        target, format, layout(outputs), Map.of("weights", "1", "role", "PASSAGE"), null);
  }

  private static VectorLayout layout(Set<Output> outputs) {
    return new VectorLayout(outputs, 2, id -> "<" + id + ">", Map.of("luciole.model", "m"));
  }

  private static void add(KeptOutput output, int from, int to) throws IOException {
    for (int i = from; i < to; i++) {
      int n = i % 3;
      float[] tokens = new float[2 * n];
      for (int j = 0; j < tokens.length; j++) {
        tokens[j] = j % 2 == 0 ? i : 1;
      }
      Embedding embedding =
          Embedding.ofTokens(n + 1)
              .withTruncated(n == 2)
              .withDense(new float[] {i, 0.5f})
              .withSparse(
                  SparseVector.of(
                      IntStream.rangeClosed(1, n).toArray(),
                      n == 2 ? new float[] {i, 0.25f} : n == 1 ? new float[] {i} : new float[0]))
              .withColbert(MultiVector.of(2, tokens));
      output.add(new Outcome.Embedded(item(i), embedding));
    }
  }

  private static Outcome failed(int i) {
    TextItem item = item(i);
    return new Outcome.Failed(item.place(), item, item.id(), new LucioleException("not finite"));
  }

  private static TextItem item(int i) {
    return new TextItem(new TextItem.Place("texts", i + 1), TextId.of("t" + i), "text " + i);
  }

  private static TextSource source(int from, int to) {
    Queue<TextItem> items =
        new ArrayDeque<>(IntStream.range(from, to).mapToObj(KeptOutputTest::item).toList());
    return new TextSource() {
      @Override
      public @Nullable TextItem next() {
        return items.poll();
      }

      @Override
      public void close() {}
    };
  }

  private static List<String> rows(Path file) throws IOException {
    List<String> rows = new ArrayList<>();
    try (ParquetFileReader reader = ParquetFileReader.open(InputFile.of(file));
        RowReader row = reader.rowReader()) {
      while (row.hasNext()) {
        row.next();
        PqStruct sparse = row.getStruct("sparse");
        List<String> vectors = new ArrayList<>();
        for (PqList vector : row.getList("colbert").lists()) {
          vectors.add(vector.values().toString());
        }
        rows.add(
            String.join(
                " ",
                row.getString(0),
                String.valueOf(row.getInt(1)),
                String.valueOf(row.getBoolean(2)),
                row.getList("dense").values().toString(),
                sparse.getList("ids").values().toString(),
                sparse.getList("weights").values().toString(),
                row.getList("token_strings").strings().toString(),
                vectors.toString()));
      }
    }
    return rows;
  }

  private static List<Path> files(Path of) throws IOException {
    try (Stream<Path> files = Files.list(of)) {
      return files.toList();
    }
  }
}
