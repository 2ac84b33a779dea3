package io.luciole.cli;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.cli.embed.EmbedJob;
import io.luciole.cli.embed.EmbedOutput;
import io.luciole.cli.embed.KeptOutput;
import io.luciole.cli.embed.OutputPath;
import io.luciole.cli.embed.OutputPath.Named;
import io.luciole.cli.embed.StreamOutput;
import io.luciole.cli.embed.TextInputs;
import io.luciole.cli.embed.VectorFormat;
import io.luciole.cli.embed.VectorLayout;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code luciole embed}. */
@Command(
    name = "embed",
    description =
        "Embed texts: JSON lines, plain lines or tables in; JSON lines, NumPy or Parquet out.",
    footerHeading = "%nFormats:%n",
    footer = {
      "  in    {\"id\": \"1\", \"text\": \"Fireflies glow.\"}   with _id and title as in BEIR's files, too",
      "  out   {\"id\":\"1\",\"tokens\":7,\"dense\":[…],\"sparse\":{\"<token id>\":w,…},\"colbert\":[[…],…]}",
      "  in the order of the input, with those outputs that were asked for.",
      "  docs/embed.md has the other formats.",
      "",
      "A file is made in the folder OUT.part, and is there whole or not at all. After",
      "an interruption the same command goes on with what is in that folder.",
      "",
      "Examples:",
      "  luciole embed --input texts.jsonl --output vectors.jsonl",
      "  luciole embed --role query --input - < queries.jsonl > vectors.jsonl",
      "  luciole embed --input 'texts/*.csv.gz' --text-field body --output vectors.parquet",
      "  luciole embed --format lines --input lines.txt --on-error skip --output vectors.npy",
      "  luciole embed --model BAAI/bge-m3 --outputs dense,sparse,colbert --input texts.jsonl"
          + " --output vectors.jsonl"
    })
final class EmbedCommand implements Callable<Integer> {
  /** The time between checkpoints where one costs little. */
  private static final Duration USUAL_CHECKPOINT = Duration.ofSeconds(5);

  /** Of Parquet each checkpoint ends a row group, which should not be small. */
  private static final Duration PARQUET_CHECKPOINT = Duration.ofSeconds(60);

  private final Console console;

  @Spec private CommandSpec command = CommandSpec.create();

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  @Mixin private TextOptions texts = new TextOptions();

  @Option(
      names = "--outputs",
      paramLabel = "LIST",
      split = ",",
      converter = OutputConverter.class,
      description =
          "Which vectors, of dense, sparse and colbert, separated by commas; by default dense, and"
              + " sparse if the model has it.")
  private Set<Output> outputs = EnumSet.noneOf(Output.class);

  @Option(
      names = "--role",
      paramLabel = "ROLE",
      converter = RoleConverter.class,
      description =
          "What the texts are: passage (the default) or query. Some models, starter among them, put"
              + " an instruction before a query.")
  private Role role = Role.PASSAGE;

  @Option(
      names = "--output",
      paramLabel = "OUT",
      description = {
        "Where the vectors go; - for standard output, the default. A file is there whole or not at"
            + " all."
      })
  private String output = "-";

  @Option(
      names = "--output-format",
      paramLabel = "FORMAT",
      converter = VectorFormatConverter.class,
      description = "jsonl, npy or parquet; by default as the end of OUT's name says, or jsonl.")
  private @Nullable VectorFormat outputFormat;

  @Option(
      names = "--token-strings",
      description = "Write the strings of the tokens of sparse vectors beside their ids.")
  private boolean tokenStrings;

  @Option(
      names = "--on-error",
      paramLabel = "WHAT",
      converter = OnErrorConverter.class,
      description =
          "What becomes of a text that cannot be read or embedded: stop (the default; the work"
              + " before it is kept), or skip it, and exit with 1 at the end.")
  private OnError onError = OnError.STOP;

  @Option(
      names = "--errors",
      paramLabel = "FILE",
      description =
          "Where skipped texts are told: JSON lines with input, line, id and error. Put in its place"
              + " with OUT; beside a stream, written as they come.")
  private @Nullable Path errors;

  @Option(
      names = "--checkpoint",
      paramLabel = "SECONDS",
      converter = Choice.Positive.class,
      description =
          "How often work is made safe from interruptions; by default every 5 s, for Parquet, where"
              + " each time ends a row group, 60 s.")
  private @Nullable Integer checkpoint;

  @Option(
      names = "--restart",
      description = "Begin from the first text, whatever OUT.part has of an earlier run.")
  private boolean restart;

  /** What becomes of the others if one text fails. */
  enum OnError {
    STOP,
    SKIP
  }

  EmbedCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    LucioleConfig config = LucioleConfig.load().requireKnown();
    EngineBuilder builder = engineOptions.builder(config);
    if (!outputs.isEmpty()) {
      builder.outputs(outputs);
    }
    // Inputs and outputs are looked at before the model is loaded, so that a wrong name fails at
    // once.
    try (TextInputs inputs = openInputs()) {
      @Nullable Path target = target();
      VectorFormat format = format(target);
      @Nullable Path errorFile = errorFile(inputs, target, format);
      try (EmbeddingEngine engine = engineOptions.open(builder)) {
        return embed(inputs, engine, target, format, errorFile);
      }
    } catch (IOException e) {
      throw new CliException(cannot(e), e);
    }
  }

  private TextInputs openInputs() {
    try {
      return texts.open(console.in());
    } catch (IOException e) {
      throw new CliException(Failures.message(e), e);
    }
  }

  private String cannot(IOException e) {
    return "Cannot embed " + texts.name() + " to " + output + ": " + Failures.message(e);
  }

  /** The file to write, or null for standard output. */
  private @Nullable Path target() throws IOException {
    return OutputPath.isStandardOutput(output) ? null : OutputPath.of(Path.of(output));
  }

  private VectorFormat format(@Nullable Path target) {
    VectorFormat format = outputFormat;
    if (format == null) {
      format = target == null ? VectorFormat.JSONL : VectorFormat.ofName(output);
    }
    if (format != VectorFormat.JSONL && (target == null || OutputPath.isStream(target))) {
      throw new ParameterException(
          command.commandLine(),
          "Expected --output with a file for " + format.id() + ", which cannot be streamed");
    }
    return format;
  }

  /** Checks that no file is lost, and finds the file of errors, if there is to be one. */
  private @Nullable Path errorFile(TextInputs inputs, @Nullable Path target, VectorFormat format)
      throws IOException {
    if (errors != null && errors.toString().equals("-")) {
      throw new ParameterException(
          command.commandLine(),
          "Expected --errors FILE, found -: write /dev/stdout for standard output, or ./- for a file"
              + " of that name");
    }
    List<Named> written = new ArrayList<>();
    for (Path file : target == null ? List.<Path>of() : format.files(target)) {
      written.add(new Named("--output", OutputPath.of(file)));
    }
    @Nullable Path file = errors == null ? null : OutputPath.of(errors);
    OutputPath.name("--errors", file, written);
    List<Named> read = new ArrayList<>();
    inputs.files().forEach(input -> read.add(new Named("--input", input)));
    OutputPath.name("--input -", inputs.readsStandardInput() ? console.inFile() : null, read);
    requireLasting(target, Stream.concat(written.stream(), read.stream()).toList());
    // Messages are written there meanwhile.
    List<Named> others = new ArrayList<>(read);
    OutputPath.name("standard error", console.errFile(), others);
    OutputPath.requireOthers(written, others);
    @Nullable Path out = target == null ? console.outFile() : null;
    if (out != null) {
      // The shell has emptied it, or what is added to it would be read in its turn.
      OutputPath.requireOthers(
          List.of(new Named("--output -", out)),
          Stream.concat(written.stream(), read.stream()).toList());
    }
    return file;
  }

  /** Checks that no file goes with the folder of the work. */
  private static void requireLasting(@Nullable Path target, List<Named> files) throws IOException {
    Path folder = target == null ? null : KeptOutput.folderOf(target);
    if (folder == null || !Files.isDirectory(folder)) {
      return;
    }
    for (Named file : files) {
      Path parent = file.path().toAbsolutePath().getParent();
      if (parent != null && Files.isDirectory(parent) && Files.isSameFile(parent, folder)) {
        throw new IOException(
            "Expected "
                + file.flag()
                + " outside of the folder of the work, which is removed at the end, found "
                + file.path()
                + ". Name another file for "
                + file.flag()
                + '.');
      }
    }
  }

  private int embed(
      TextInputs inputs,
      EmbeddingEngine engine,
      @Nullable Path target,
      VectorFormat format,
      @Nullable Path errorFile)
      throws IOException {
    EmbedOptions options = role == Role.QUERY ? EmbedOptions.query() : EmbedOptions.passage();
    if (format == VectorFormat.NPY && outputs.isEmpty()) {
      options = options.outputs(Set.of(Output.DENSE));
    }
    EmbedJob job = new EmbedJob(engine, options, onError == OnError.SKIP);
    requireOutputs(job, format);
    try (EmbedOutput to = open(job, target, format, errorFile);
        Progress progress =
            new Progress(
                console, "Embedding", "texts", 1, texts.count(inputs), to.counts().texts())) {
      if (to.counts().texts() > 0) {
        progress.say(
            "Going on behind " + number(to.counts().texts()) + " texts of an earlier run.");
      }
      EmbedOutput.Counts before = to.counts();
      run(job, inputs, to, progress);
      EmbedOutput.Counts now = to.counts().since(before);
      if (target != null) {
        console
            .err()
            .println(
                "Embedded "
                    + progress.summary(now.embedded(), now.tokens())
                    + " with "
                    + engine.modelName()
                    + " on "
                    + engine.backend().device()
                    + ", to "
                    + output
                    + remarks(now, before.failed(), engine));
      } else if (to.counts().failed() > 0) {
        console.err().println("luciole: " + skipped(now.failed(), before.failed()));
      }
      return to.counts().failed() == 0 ? 0 : 1;
    }
  }

  private void requireOutputs(EmbedJob job, VectorFormat format) {
    if (!format.holds(job.outputs())) {
      throw new ParameterException(
          command.commandLine(),
          "Expected --outputs dense for " + format.id() + ", found " + job.outputs());
    }
    if (tokenStrings && !job.outputs().contains(Output.SPARSE)) {
      throw new ParameterException(
          command.commandLine(),
          "Expected sparse among the outputs for --token-strings, found " + job.outputs());
    }
  }

  private EmbedOutput open(
      EmbedJob job, @Nullable Path target, VectorFormat format, @Nullable Path errorFile)
      throws IOException {
    if (target == null) {
      return new StreamOutput(console.out(), false, job.layout(tokenStrings), errorFile);
    }
    if (OutputPath.isStream(target)) {
      Writer writer =
          new BufferedWriter(
              new OutputStreamWriter(
                  Files.newOutputStream(target, StandardOpenOption.WRITE), StandardCharsets.UTF_8),
              1 << 16);
      return new StreamOutput(writer, true, job.layout(tokenStrings), errorFile);
    }
    VectorLayout layout = job.layoutOfFile(tokenStrings);
    KeptOutput.Job kept =
        new KeptOutput.Job(target, format, layout, job.settings(format, layout), errorFile);
    Duration usual = format == VectorFormat.PARQUET ? PARQUET_CHECKPOINT : USUAL_CHECKPOINT;
    return KeptOutput.open(
        kept,
        restart,
        checkpoint == null ? usual : Duration.ofSeconds(checkpoint),
        () -> console.err().println("luciole: Stopped. " + kept(kept.folder())));
  }

  /** Runs the job; what ends it early says how to go on. */
  private void run(EmbedJob job, TextInputs inputs, EmbedOutput to, Progress progress)
      throws IOException {
    try {
      job.run(inputs, to, progress::to);
      to.finish();
    } catch (ClosedPipeException e) {
      throw e;
    } catch (IOException e) {
      throw new CliException(withKept(cannot(e), to), e);
    } catch (LucioleException e) {
      throw new CliException(withKept(Failures.message(e), to), e);
    }
  }

  /** A message, and behind it what a later run can go on with. */
  private static String withKept(String message, EmbedOutput to) {
    if (!(to instanceof KeptOutput output) || to.counts().texts() == 0) {
      return message;
    }
    String end = message.endsWith(".") || message.endsWith("?") ? " " : ". ";
    return message + end + kept(output.folder());
  }

  private static String kept(Path folder) {
    return "What was embedded is kept in "
        + folder
        + "; run the same command again to go on behind it.";
  }

  /** What else is to be told of this run, and of texts that earlier ones skipped. */
  private String remarks(EmbedOutput.Counts now, long skippedBefore, EmbeddingEngine engine) {
    String cut =
        now.truncated() == 0
            ? ""
            : String.format(
                Locale.ROOT,
                "; %,d of them longer than %,d tokens, cut off there (see --truncation)",
                now.truncated(),
                engine.description().maxTokens());
    return cut
        + (now.failed() + skippedBefore == 0 ? "" : "; " + skipped(now.failed(), skippedBefore));
  }

  private String skipped(long now, long before) {
    return number(now)
        + " texts skipped"
        + (before == 0 ? "" : " and " + number(before) + " by earlier runs")
        + (errors == null ? " (--errors FILE tells which)" : ", see " + errors);
  }

  private static String number(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /** Reads the names of outputs. */
  static final class OutputConverter implements ITypeConverter<Output> {
    @Override
    public Output convert(String value) {
      return Choice.of(Output.values(), Output::id, value);
    }
  }

  /** Reads the names of roles. */
  static final class RoleConverter implements ITypeConverter<Role> {
    @Override
    public Role convert(String value) {
      return Choice.of(Role.values(), r -> r.name().toLowerCase(Locale.ROOT), value);
    }
  }

  /** Reads the names of formats of vectors. */
  static final class VectorFormatConverter implements ITypeConverter<VectorFormat> {
    @Override
    public VectorFormat convert(String value) {
      return Choice.of(VectorFormat.values(), VectorFormat::id, value);
    }
  }

  /** Reads what becomes of failures. */
  static final class OnErrorConverter implements ITypeConverter<OnError> {
    @Override
    public OnError convert(String value) {
      return Choice.of(OnError.values(), e -> e.name().toLowerCase(Locale.ROOT), value);
    }
  }
}
