package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Scores;
import io.luciole.cli.Cli.Run;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmbedCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @Test
  void embed_severalTexts_writesTheEnginesVectorsInInputOrder() throws IOException {
    List<String> texts =
        List.of("Fireflies glow at dusk.", "", "螢火蟲在黃昏發光。", "a \"quoted\" \\ text\n\tof two lines");
    StringBuilder input = new StringBuilder();
    for (int i = 0; i < texts.size(); i++) {
      input
          .append(JSON.createObjectNode().put("id", "t" + i).put("text", texts.get(i)))
          .append('\n');
    }
    Path in = write("texts.jsonl", input.toString());
    Path out = folder.resolve("vectors.jsonl");

    Run run = Cli.run("embed", "--model", "starter", "--input", in, "--output", out);

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("Embedded 4 texts in ").contains("with starter on cpu");
    List<String> lines = Files.readAllLines(out);
    assertThat(lines).hasSameSizeAs(texts);
    try (EmbeddingEngine engine = EmbeddingEngine.builder().open()) {
      List<Embedding> expected = engine.embedAll(texts, EmbedOptions.passage());
      for (int i = 0; i < texts.size(); i++) {
        JsonNode line = JSON.readTree(lines.get(i));
        assertThat(line.properties())
            .extracting(p -> p.getKey())
            .containsExactly("id", "tokens", "dense");
        assertThat(line.path("id").textValue()).isEqualTo("t" + i);
        assertThat(line.path("tokens").intValue()).isEqualTo(expected.get(i).tokenCount());
        assertThat(Scores.dense(of(line), expected.get(i))).as("text %d", i).isGreaterThan(0.99f);
      }
    }
    assertThat(list()).containsExactlyInAnyOrder("texts.jsonl", "vectors.jsonl");
  }

  @Test
  void embed_idsOfManyKinds_areKeptAsTheyStood() {
    Run run =
        Cli.feed(
            """
            {"id": 12345678901234567890, "text": "a"}
            {"text": "b", "lang": {"x": [1]}, "id": 1.50}

            {"id": "d/ü \\u00e9 \\"x\\"", "text": "c"}\r
            """,
            "embed",
            "--input",
            "-");

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.outLines()).hasSize(3);
    assertThat(run.outLines().get(0))
        .startsWith("{\"id\":12345678901234567890,\"tokens\":3,\"dense\":[");
    assertThat(run.outLines().get(1)).startsWith("{\"id\":1.50,\"tokens\":3,");
    assertThat(run.outLines().get(2)).startsWith("{\"id\":\"d/ü é \\\"x\\\"\",\"tokens\":3,");
  }

  @Test
  void embed_floats_readBackAsTheSameFloats() throws IOException {
    Run run = Cli.feed("{\"id\":1,\"text\":\"Fireflies glow.\"}", "embed", "--input", "-");

    String dense = run.out().substring(run.out().indexOf('[') + 1, run.out().indexOf(']'));
    for (String number : dense.split(",", -1)) {
      assertThat(number).isEqualTo(Float.toString(Float.parseFloat(number)));
    }
  }

  @Test
  void embed_queryRole_differsFromPassage() {
    String line = "{\"id\":1,\"text\":\"which insects glow\"}";

    Run passage = Cli.feed(line, "embed", "--input", "-");
    Run query = Cli.feed(line, "embed", "--input", "-", "--role", "query");

    assertThat(query.status()).isZero();
    assertThat(tokens(query)).isEqualTo(tokens(passage) + 8);
  }

  @Test
  void embed_maxLength_truncates() {
    String line = "{\"id\":1,\"text\":\"" + "glow ".repeat(1000) + "\"}";

    assertThat(tokens(Cli.feed(line, "embed", "--input", "-"))).isEqualTo(512);
    assertThat(tokens(Cli.feed(line, "embed", "--input", "-", "--max-length", 16))).isEqualTo(16);
  }

  @Test
  void embed_nothing_writesAnEmptyFile() throws IOException {
    Path in = write("empty.jsonl", "");
    Path out = folder.resolve("out.jsonl");

    Run run = Cli.run("embed", "--input", in, "--output", out);

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(out).isEmptyFile();
  }

  @Test
  void embed_badLine_isNamedAndTheWorkBeforeItIsKept() throws IOException {
    String good = "{\"id\":1,\"text\":\"a\"}\n";
    Path in = write("bad.jsonl", good + "{\"id\": 2}\n{\"id\":3,\"text\":\"c\"}\n");
    Path out = write("out.jsonl", "what stood there before");

    Run run = Cli.run("embed", "--input", in, "--output", out);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith(
            "luciole: "
                + in
                + ", line 2: expected the field \"text\", found none. What was embedded is ")
        .endsWith("kept in " + out + ".part; run the same command again to go on behind it.");
    assertThat(out).hasContent("what stood there before");

    write("bad.jsonl", good + "{\"id\":2,\"text\":\"b\"}\n{\"id\":3,\"text\":\"c\"}\n");
    Run again = Cli.run("embed", "--input", in, "--output", out);

    assertThat(again.status()).as(again.err()).isZero();
    assertThat(again.errLines().get(0)).isEqualTo("Going on behind 1 texts of an earlier run.");
    assertThat(again.errLines().get(1)).startsWith("Embedded 2 texts in ");
    assertThat(ids(out)).containsExactly("1", "2", "3");
    assertThat(list()).containsExactlyInAnyOrder("bad.jsonl", "out.jsonl");
  }

  @Test
  void embed_onErrorSkip_tellsWhichWereSkipped() throws IOException {
    Path in =
        write(
            "in.jsonl",
            "{\"id\":1,\"text\":\"a\"}\n{\"id\": 2}\nno\n{\"id\":4,\"text\":\""
                + "glow ".repeat(600)
                + "\"}\n{\"id\":5,\"text\":\"e\"}\n");
    Path out = folder.resolve("out.jsonl");
    Path errors = folder.resolve("errors.jsonl");

    Run run =
        Cli.run(
            "embed",
            "--input",
            in,
            "--output",
            out,
            "--on-error",
            "skip",
            "--errors",
            errors,
            "--truncation",
            "error");

    assertThat(run.status()).as(run.err()).isEqualTo(1);
    assertThat(run.err())
        .startsWith("Embedded 2 texts")
        .contains("; 3 texts skipped, see " + errors);
    assertThat(ids(out)).containsExactly("1", "5");
    List<String> lines = Files.readAllLines(errors);
    assertThat(lines).hasSize(3);
    assertThat(lines.get(0))
        .isEqualTo(
            "{\"input\":\""
                + in
                + "\",\"line\":2,\"id\":2,\"error\":"
                + "\"expected the field \\\"text\\\", found none\"}");
    assertThat(lines.get(1)).contains("\"line\":3,\"error\":\"not JSON");
    assertThat(lines.get(2)).contains("\"line\":4,\"id\":4,\"error\":");
  }

  @Test
  void embed_resumedBehindSkippedTexts_countsWhatEachRunEmbedded() throws IOException {
    String whole = "{\"id\":1,\"text\":\"a\"}\nno\n{\"id\":3,\"text\":\"c\"}\n";
    Path in = folder.resolve("in.jsonl");
    // Not a table, which no run passes over.
    Path broken = write("broken.csv", "PAR1");
    Path out = folder.resolve("out.jsonl");
    write("in.jsonl", whole);
    Object[] args = {
      "embed", "--input", in, "--input", broken, "--output", out, "--on-error", "skip"
    };
    assertThat(Cli.run(args).status()).isEqualTo(1);
    write("broken.csv", "id,text\n4,d\nx\n5,e\n");

    Run run = Cli.run(args);

    assertThat(run.errLines().get(0)).isEqualTo("Going on behind 3 texts of an earlier run.");
    assertThat(run.errLines().get(1))
        .startsWith("Embedded 2 texts in ")
        .contains("; 1 texts skipped and 1 by earlier runs (--errors FILE tells which)");
    assertThat(run.status()).isEqualTo(1);
    assertThat(ids(out)).containsExactly("1", "3", "4", "5");
  }

  @Test
  void embed_otherModelThanTheKeptWork_isRefused() throws IOException {
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\nbad\n");
    Path out = folder.resolve("out.jsonl");
    assertThat(Cli.run("embed", "--input", in, "--output", out).status()).isEqualTo(1);

    Run run = Cli.run("embed", "--input", in, "--output", out, "--role", "query");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err()).contains("role PASSAGE, now QUERY", "begin again with --restart");
  }

  @Test
  void embed_tableFromStandardInputToNumpy_isRead() throws IOException {
    Path out = folder.resolve("out.npy");

    Run run =
        Cli.feed(
            "doc,body\nx,\"a\nb\"\ny,c\n",
            "embed",
            "--input",
            "-",
            "--format",
            "csv",
            "--id-field",
            "doc",
            "--text-field",
            "body",
            "--output",
            out);

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.err()).startsWith("Embedded 2 texts in ").contains("tokens a second)");
    assertThat(ids(folder.resolve("out.ids.jsonl"))).containsExactly("x", "y");
    assertThat(Files.size(out)).isEqualTo(128 + 2 * 384 * Float.BYTES);
  }

  @Test
  void embed_tokenStrings_standBesideTheIds() throws IOException {
    Path model = Models.copyOfMiniM3(folder.resolve("model"));

    Run run =
        Cli.feed(
            "{\"id\":1,\"text\":\"hello the cat\"}",
            "embed",
            "--input",
            "-",
            "--model",
            model,
            "--token-strings");

    assertThat(run.status()).as(run.err()).isZero();
    JsonNode line = JSON.readTree(run.out());
    assertThat(line.path("token_strings").propertyStream().map(p -> p.getKey()).toList())
        .isNotEmpty()
        .isEqualTo(line.path("sparse").propertyStream().map(p -> p.getKey()).toList());
    assertThat(line.path("token_strings").propertyStream().map(p -> p.getValue().textValue()))
        .anyMatch(token -> "hello".contains(token.strip()));
  }

  @Test
  void embed_truncatedText_isFlaggedInItsLine() throws IOException {
    Run run =
        Cli.feed(
            "{\"id\":1,\"text\":\"" + "glow ".repeat(20) + "\"}\n{\"id\":2,\"text\":\"a\"}\n",
            "embed",
            "--input",
            "-",
            "--max-length",
            8);

    assertThat(JSON.readTree(run.outLines().get(0)).path("truncated").booleanValue()).isTrue();
    assertThat(JSON.readTree(run.outLines().get(1)).has("truncated")).isFalse();
  }

  @Test
  void embed_invalidUtf8_namesFileLineAndByte() throws IOException {
    Path in = folder.resolve("latin1.jsonl");
    Files.write(
        in,
        "{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"é\"}\n"
            .getBytes(StandardCharsets.ISO_8859_1));
    Path out = folder.resolve("out.jsonl");

    Run run = Cli.run("embed", "--input", in, "--output", out);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith(
            "luciole: "
                + in
                + ", line 2: expected UTF-8, found other bytes from byte 17 of the line on");
    assertThat(list()).containsExactlyInAnyOrder("latin1.jsonl", "out.jsonl.part");
  }

  @Test
  void embed_noSuchFile_saysSo() {
    Path out = folder.resolve("out.jsonl");

    Run run = Cli.run("embed", "--input", folder.resolve("none.jsonl"), "--output", out);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err())
        .isEqualToIgnoringNewLines("luciole: No such file: " + folder.resolve("none.jsonl"));
    assertThat(out).doesNotExist();
  }

  @Test
  void embed_outputFolderMissing_saysSo() throws IOException {
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n");

    Run run =
        Cli.run("embed", "--input", in, "--output", folder.resolve("none").resolve("out.jsonl"));

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .contains("its folder " + folder.resolve("none") + " does not exist");
  }

  @Test
  void embed_outputIsTheInput_isRefused() throws IOException {
    String texts = "{\"id\":1,\"text\":\"a\"}\n";
    Path file = write("in.jsonl", texts);
    Path link = Files.createSymbolicLink(folder.resolve("link.jsonl"), file);

    Path hard = Files.createLink(folder.resolve("hard.jsonl"), file);

    for (Path output : List.of(file, link, hard)) {
      Run run = Cli.run("embed", "--input", file, "--output", output);

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err()).contains("Expected --output to overwrite no file that --input names");
      assertThat(file).hasContent(texts);
    }
  }

  /** What Jackson refuses without a place: a number of too many digits, too deep a nesting. */
  @Test
  void embed_lineBeyondTheParsersLimits_isNamed() throws IOException {
    for (String value : List.of("1".repeat(1100), "[".repeat(1100) + "]".repeat(1100))) {
      Path in = write("odd.jsonl", "{\"id\":1,\"text\":\"a\",\"x\":" + value + "}\n");

      Run run = Cli.run("embed", "--input", in, "--output", folder.resolve("out.jsonl"));

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.errLines())
          .singleElement()
          .asString()
          .startsWith("luciole: " + in + ", line 1: not JSON: ");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void embed_fullDisk_failsWithOneLine() throws IOException {
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n");

    Run run = Cli.run("embed", "--input", in, "--output", "/dev/full");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: Cannot embed " + in + " to /dev/full: ")
        .endsWith("No space left on device");
    assertThat(Path.of("/dev/full")).exists();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void embed_fullDiskBehindStandardOutput_failsWithOneLine() throws IOException {
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n");

    try (OutputStream full = Files.newOutputStream(Path.of("/dev/full"))) {
      Run run = Cli.run(InputStream.nullInputStream(), full, "embed", "--input", in);

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.errLines())
          .singleElement()
          .isEqualTo("luciole: Cannot write to standard output: No space left on device");
    }
  }

  @Test
  @Timeout(60)
  void embed_senderThatWaitsForEachAnswer_getsItBeforeTheNextLine() throws Exception {
    try (PipedInputStream in = new PipedInputStream();
        PipedInputStream results = new PipedInputStream(1 << 16);
        PipedOutputStream out = new PipedOutputStream(results);
        BufferedReader answers =
            new BufferedReader(new InputStreamReader(results, StandardCharsets.UTF_8))) {
      CompletableFuture<Run> run;
      try (PipedOutputStream sender = new PipedOutputStream(in)) {
        run = CompletableFuture.supplyAsync(() -> Cli.run(in, out, "embed", "--input", "-"));
        for (int i = 0; i < 3; i++) {
          sender.write(("{\"id\":" + i + ",\"text\":\"a\"}\n").getBytes(StandardCharsets.UTF_8));
          sender.flush();
          assertThat(answers.readLine()).startsWith("{\"id\":" + i + ',');
        }
      }
      assertThat(run.join().status()).isZero();
    }
  }

  @Test
  void embed_readerOfResultsGone_endsQuietly() {
    OutputStream gone =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("Broken pipe");
          }
        };
    InputStream in =
        new ByteArrayInputStream("{\"id\":1,\"text\":\"a\"}\n".getBytes(StandardCharsets.UTF_8));

    Run run = Cli.run(in, gone, "embed", "--input", "-");

    assertThat(run.status()).isEqualTo(141);
    assertThat(run.err()).isEmpty();
  }

  @Test
  void embed_corruptModel_namesTheFile() throws IOException {
    Path model = Models.copyOfStarter(folder.resolve("model"));
    byte[] bytes = Files.readAllBytes(model.resolve("model.onnx"));
    Files.write(model.resolve("model.onnx"), java.util.Arrays.copyOf(bytes, bytes.length / 2));
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n");

    Run run =
        Cli.run("embed", "--model", model, "--input", in, "--output", folder.resolve("out.jsonl"));

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: ")
        .contains("model.onnx");
    assertThat(folder.resolve("out.jsonl")).doesNotExist();
  }

  @Test
  void embed_corruptTokenizer_namesTheFile() throws IOException {
    Path model = Models.copyOfStarter(folder.resolve("model"));
    Files.writeString(model.resolve("tokenizer.json"), "{\"version\": ");

    Run run = Cli.feed("{\"id\":1,\"text\":\"a\"}\n", "embed", "--model", model, "--input", "-");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: ")
        .contains("tokenizer.json");
  }

  @Test
  void embed_noSuchModel_saysWhatAModelIs() {
    Run run =
        Cli.feed("{\"id\":1,\"text\":\"a\"}\n", "embed", "--model", "strater", "--input", "-");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: There is no model \"strater\": expected the alias starter");
  }

  @Test
  void embed_outputThatTheModelHasNot_isRefused() {
    Run run =
        Cli.feed(
            "{\"id\":1,\"text\":\"a\"}\n", "embed", "--outputs", "dense,sparse", "--input", "-");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines()).singleElement().asString().contains("starter gives [DENSE], not [");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --outputs dense,spares   | expected one of dense, sparse, colbert, got "spares"
          --role document          | expected one of query, passage, got "document"
          --on-error ignore        | expected one of stop, skip, got "ignore"
          --format xml             | expected one of jsonl, lines, csv, tsv, got "xml"
          --output-format parquet  | Expected --output with a file for parquet, which cannot be streamed
          --token-strings          | Expected sparse among the outputs for --token-strings, found [DENSE]
          --device gpu-0           | expected a device such as cpu, cuda or cuda:1, got "gpu-0"
          --precision fp4          | expected auto, exact, fast or a precision of [fp32, fp16, bf16, int8, fp8], got "fp4"
          --threads 0              | expected a whole number of at least 1, got "0"
          --max-length 513         | the model starter takes texts of 2 to 512 tokens, got 513
          --modle starter          | Unknown option: '--modle'
          """)
  void embed_wrongFlag_isWrongUsage(String flag, String message) {
    List<Object> args = new ArrayList<>(List.of("embed", "--input", "-"));
    args.addAll(List.of(flag.split(" ", -1)));

    Run run = Cli.run(args.toArray());

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.errLines().get(0)).startsWith("luciole: ").contains(message);
    assertThat(run.errLines()).last().isEqualTo("Try: luciole embed --help");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void embed_outputBehindALink_replacesWhatItLeadsTo() throws IOException {
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n");
    Path target = write("target.jsonl", "old");
    Path link = Files.createSymbolicLink(folder.resolve("link.jsonl"), target);

    assertThat(Cli.run("embed", "--input", in, "--output", link).status()).isZero();

    assertThat(link).isSymbolicLink();
    assertThat(Files.readString(target)).startsWith("{\"id\":1");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  @Timeout(60)
  void embed_outputIsAPipeWithAName_isWrittenThrough() throws Exception {
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n");
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    CompletableFuture<List<String>> reader =
        CompletableFuture.supplyAsync(() -> {
          try {
            return Files.readAllLines(pipe);
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });

    assertThat(Cli.run("embed", "--input", in, "--output", pipe).status()).isZero();

    assertThat(reader.get(30, java.util.concurrent.TimeUnit.SECONDS))
        .singleElement()
        .asString()
        .startsWith("{\"id\":1,");
  }

  @Test
  void embed_outputIsDevStdout_isStandardOutput() {
    Run run =
        Cli.feed("{\"id\":1,\"text\":\"a\"}", "embed", "--input", "-", "--output", "/dev/stdout");

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out()).startsWith("{\"id\":1,");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void embed_outputBehindALinkToNothingYet_isMadeThere() throws IOException {
    Path in = write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n");
    Path link = Files.createSymbolicLink(folder.resolve("link.jsonl"), Path.of("target.jsonl"));

    assertThat(Cli.run("embed", "--input", in, "--output", link).status()).isZero();

    assertThat(link).isSymbolicLink();
    assertThat(ids(folder.resolve("target.jsonl"))).containsExactly("1");
  }

  private static List<String> ids(Path lines) throws IOException {
    List<String> ids = new ArrayList<>();
    for (String line : Files.readAllLines(lines)) {
      ids.add(JSON.readTree(line).path("id").asText());
    }
    return ids;
  }

  private static Embedding of(JsonNode line) {
    float[] dense = floats(line.path("dense"));
    return Embedding.ofTokens(line.path("tokens").intValue()).withDense(dense);
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).floatValue();
    }
    return values;
  }

  private static int tokens(Run run) {
    try {
      return JSON.readTree(run.out()).path("tokens").intValue();
    } catch (IOException e) {
      throw new AssertionError(run.toString(), e);
    }
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private List<String> list() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).toList();
    }
  }
}
