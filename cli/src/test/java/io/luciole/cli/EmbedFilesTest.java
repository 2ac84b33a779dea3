package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Which files {@code embed} replaces, and which it refuses to. */
class EmbedFilesTest {
  private static final String TEXTS = "{\"id\":1,\"text\":\"a\"}\n";

  /** No model has this name, so that whatever comes before the model is told first. */
  private static final String NO_MODEL = "strater";

  @TempDir private Path folder;

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private static void assertRefused(Run run, String message) {
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines()).singleElement().asString().contains(message);
  }

  @Test
  void idsBesideAnArray_thatAreTheInput_areRefused() throws IOException {
    Path in = write("v.ids.jsonl", TEXTS);
    Path out = folder.resolve("v.npy");

    Run run = Cli.run("embed", "--model", NO_MODEL, "--input", in, "--output", out);

    assertRefused(run, "Expected --output to overwrite no file that --input names, found " + in);
    assertThat(in).hasContent(TEXTS);
  }

  @Test
  void idsBesideAnArray_thatAreTheFileOfErrors_areRefused() throws IOException {
    Path in = write("in.jsonl", TEXTS);
    Path ids = folder.resolve("v.ids.jsonl");
    Object[] args = {
      "embed", "--model", NO_MODEL, "--input", in, "--output", folder.resolve("v.npy")
    };
    Object[] more = {"--on-error", "skip", "--errors", ids};

    Run run = Cli.run(Stream.concat(Stream.of(args), Stream.of(more)).toArray());

    assertRefused(run, "Expected --errors to overwrite no file that --output names, found " + ids);
  }

  @Test
  void idsBesideAnArray_whoseNameIsAFolders_areRefusedBeforeTheWork() throws IOException {
    Path in = write("in.jsonl", TEXTS);
    Path ids = Files.createDirectory(folder.resolve("v.ids.jsonl"));
    Path out = folder.resolve("v.npy");

    Run run = Cli.run("embed", "--model", NO_MODEL, "--input", in, "--output", out);

    assertRefused(run, "expected a file, found the folder " + ids);
  }

  @Test
  void errors_thatAreTheOutputOrTheInput_areRefused() throws IOException {
    Path in = write("in.jsonl", TEXTS);
    Path out = folder.resolve("out.jsonl");
    for (Path errors : List.of(in, out)) {
      Run run =
          Cli.run("embed", "--model", NO_MODEL, "--input", in, "--output", out, "--errors", errors);

      assertRefused(run, "Expected --errors to overwrite no file that --");
    }
    assertThat(in).hasContent(TEXTS);
    assertThat(out).doesNotExist();
  }

  /** Where docs/embed.md says that they are until the run ends; then that folder goes. */
  @Test
  void errors_inTheFolderOfTheWork_areRefused() throws IOException {
    Path in = write("in.jsonl", TEXTS);
    Path out = folder.resolve("out.jsonl");
    Path errors = Files.createDirectory(folder.resolve("out.jsonl.part")).resolve("errors.jsonl");

    Run run =
        Cli.run("embed", "--model", NO_MODEL, "--input", in, "--output", out, "--errors", errors);

    assertRefused(run, "outside of the folder of the work, which is removed at the end, found ");
  }

  /** That folder is emptied by --restart, and removed at the end. */
  @Test
  void input_inTheFolderOfTheWork_isRefused_andStays() throws IOException {
    Path out = folder.resolve("out.jsonl");
    Path work = Files.createDirectory(folder.resolve("out.jsonl.part"));
    Files.writeString(work.resolve("journal.jsonl"), "{\"layout\":2,\"settings\":{}}\n");
    Path in = write("out.jsonl.part/in.jsonl", TEXTS);

    Run run = Cli.run("embed", "--model", NO_MODEL, "--input", in, "--output", out, "--restart");

    assertRefused(run, "Expected --input outside of the folder of the work, which is removed at");
    assertThat(in).hasContent(TEXTS);
  }

  @Test
  void errors_toStandardOutputByItsDash_areRefusedWithItsName() throws IOException {
    Path in = write("in.jsonl", TEXTS);

    Run run = Cli.run("embed", "--model", NO_MODEL, "--input", in, "--errors", "-");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err()).contains("Expected --errors FILE, found -");
  }

  /** Runs the command in a process, with streams that a shell redirects. */
  private static Run redirected(
      ProcessBuilder.Redirect in, ProcessBuilder.Redirect out, Object... args) throws Exception {
    Process process = Cli.process(args).redirectInput(in).redirectOutput(out).start();
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), "", err);
  }

  /** Both would be written over each other, or the messages would be lost. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void filesThatAreThatOfStandardError_areRefused() throws Exception {
    Path in = write("in.jsonl", TEXTS);
    Path other = folder.resolve("other.jsonl");
    List<List<Object>> lines =
        List.of(
            List.of("--output", "-", "--errors", "/dev/stderr"),
            List.of("--output", other, "--errors", folder.resolve("log")),
            List.of("--output", "/dev/stderr"));
    for (List<Object> line : lines) {
      Path log = folder.resolve("log");
      List<Object> args = new ArrayList<>(List.of("embed", "--model", NO_MODEL, "--input", in));
      args.addAll(line);
      Process process =
          Cli.process(args.toArray())
              .redirectOutput(folder.resolve("out").toFile())
              .redirectError(log.toFile())
              .start();

      assertThat(process.waitFor()).isEqualTo(1);
      assertThat(log).content().contains("to overwrite no file that standard error names, found ");
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void outputThatIsTheFileOfStandardInput_isRefused() throws Exception {
    Path in = write("in.jsonl", TEXTS);
    Path none = folder.resolve("none");

    Run run =
        redirected(
            ProcessBuilder.Redirect.from(in.toFile()),
            ProcessBuilder.Redirect.to(none.toFile()),
            "embed",
            "--model",
            NO_MODEL,
            "--input",
            "-",
            "--output",
            in);

    assertRefused(run, "Expected --output to overwrite no file that --input - names, found ");
    assertThat(in).hasContent(TEXTS);
  }

  /** It would read what it has written, without end. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void standardOutputThatIsAddedToTheInput_isRefused() throws Exception {
    Path in = write("in.jsonl", TEXTS);
    for (String input : List.of(in.toString(), "-")) {
      Run run =
          redirected(
              ProcessBuilder.Redirect.from(in.toFile()),
              ProcessBuilder.Redirect.appendTo(in.toFile()),
              "embed",
              "--model",
              NO_MODEL,
              "--input",
              input);

      assertRefused(run, "Expected --output - to overwrite no file that --input");
      assertThat(in).hasContent(TEXTS);
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void errorsThatAreTheFileOfStandardOutput_areRefused() throws Exception {
    Path in = write("in.jsonl", TEXTS);
    Path out = write("out.jsonl", "");
    for (String errors : List.of(out.toString(), "/dev/stdout")) {
      Run run =
          redirected(
              ProcessBuilder.Redirect.from(in.toFile()),
              ProcessBuilder.Redirect.to(out.toFile()),
              "embed",
              "--model",
              NO_MODEL,
              "--input",
              "-",
              "--errors",
              errors);

      assertRefused(run, "to overwrite no file that --");
    }
  }

  /** As the output, the file of errors is there whole or not at all. */
  @Test
  void errors_replaceAFile_whenTheRunEnds_andNotBefore() throws IOException {
    Path in = write("in.jsonl", TEXTS + "no\n");
    Path broken = write("broken.csv", "PAR1");
    Path out = folder.resolve("out.jsonl");
    Path notes = write("notes.txt", "my notes\n".repeat(20));
    Object[] args = {
      "embed", "--input", in, "--input", broken, "--output", out, "--on-error", "skip"
    };
    assertThat(Cli.run(args).status()).isEqualTo(1);
    Object[] told = Stream.concat(Stream.of(args), Stream.of("--errors", notes)).toArray();
    assertThat(Cli.run(told).status()).isEqualTo(1);
    assertThat(notes).hasContent("my notes\n".repeat(20));
    write("broken.csv", "id,text\n4,d\nx\n");

    Run run = Cli.run(told);

    assertThat(run.err()).contains("; 1 texts skipped and 1 by earlier runs, see " + notes);
    assertThat(Files.readAllLines(notes))
        .satisfiesExactly(
            line -> assertThat(line).contains(in.toString(), "\"line\":2"),
            line -> assertThat(line).contains(broken.toString(), "\"line\":3"));
    assertThat(folder.resolve("out.jsonl.part")).doesNotExist();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  @Timeout(60)
  void errors_toAPipeWithAName_areWrittenThrough() throws Exception {
    Path in = write("in.jsonl", TEXTS + "no\n");
    for (String output : List.of("-", folder.resolve("out.jsonl").toString())) {
      Path pipe = folder.resolve("pipe" + output.length());
      assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
      CompletableFuture<String> reader =
          CompletableFuture.supplyAsync(() -> {
            try {
              return Files.readString(pipe);
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });

      Run run =
          Cli.run(
              "embed", "--input", in, "--output", output, "--on-error", "skip", "--errors", pipe);

      assertThat(run.err()).contains("1 texts skipped");
      assertThat(reader.get(30, TimeUnit.SECONDS)).contains("\"line\":2").endsWith("}\n");
    }
  }
}
