package io.luciole.cli;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.internal.LineReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code luciole embed}. */
@Command(
    name = "embed",
    description = "Embed texts: JSON lines in, JSON lines out.",
    footerHeading = "%nFormats:%n",
    footer = {
      "  in    {\"id\": \"1\", \"text\": \"Fireflies glow.\"}",
      "  out   {\"id\":\"1\",\"tokens\":7,\"dense\":[…],\"sparse\":{\"<token id>\":w,…},\"colbert\":[[…],…]}",
      "  in the order of the input, with those outputs that were asked for.",
      "",
      "Examples:",
      "  luciole embed --input texts.jsonl --output vectors.jsonl",
      "  luciole embed --role query --input - < queries.jsonl > vectors.jsonl",
      "  luciole embed --model BAAI/bge-m3 --outputs dense,sparse,colbert --input texts.jsonl"
          + " --output vectors.jsonl"
    })
final class EmbedCommand implements Callable<Integer> {
  private static final String STREAM = "-";

  private final Console console;

  @Mixin private EngineOptions engineOptions = new EngineOptions();

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
      names = "--input",
      paramLabel = "IN",
      required = true,
      description = "The texts; - for standard input.")
  private String input = STREAM;

  @Option(
      names = "--output",
      paramLabel = "OUT",
      description = {
        "Where the vectors go; - for standard output, the default. A file is there whole or not at"
            + " all."
      })
  private String output = STREAM;

  EmbedCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    boolean toStream = output.equals(STREAM);
    requireOtherFile();
    LucioleConfig config = LucioleConfig.load().requireKnown();
    EngineBuilder builder = engineOptions.builder(config);
    if (!outputs.isEmpty()) {
      builder.outputs(outputs);
    }
    // Both files are opened before the model is loaded, so that a wrong name fails at once.
    try (LineReader lines = openInput();
        @Nullable WholeFile file = toStream ? null : WholeFile.create(Path.of(output));
        EmbeddingEngine engine = engineOptions.open(builder)) {
      long total = input.equals(STREAM) ? -1 : Inputs.countLines(Path.of(input));
      Writer writer =
          file == null
              ? console.out()
              : new BufferedWriter(
                  new OutputStreamWriter(file.stream(), StandardCharsets.UTF_8), 1 << 16);
      String summary;
      try (Progress progress = new Progress(console, "Embedding", "texts", total)) {
        embed(lines, engine, writer, progress);
        summary = progress.summary();
      }
      writer.flush();
      if (file != null) {
        file.commit();
        console
            .err()
            .println(
                "Embedded "
                    + summary
                    + " with "
                    + engine.modelName()
                    + " on "
                    + engine.backend().device()
                    + ", to "
                    + output
                    + cut(engine.stats().truncated(), engine.description().maxTokens()));
      }
      return 0;
    } catch (IOException e) {
      throw new CliException(
          "Cannot embed " + input + " to " + output + ": " + Failures.message(e), e);
    }
  }

  /** The vectors would take the texts' place. */
  private void requireOtherFile() throws IOException {
    if (input.equals(STREAM) || output.equals(STREAM)) {
      return;
    }
    Path in = Path.of(input);
    Path out = Path.of(output);
    if (Files.isRegularFile(in) && Files.exists(out) && Files.isSameFile(in, out)) {
      throw new CliException(
          "Expected another file for --output than for --input, found "
              + output
              + " for both: the vectors would replace the texts.");
    }
  }

  private static String cut(long texts, int limit) {
    return texts == 0
        ? ""
        : String.format(
            Locale.ROOT,
            "; %,d of them longer than %,d tokens, cut off there (see --truncation)",
            texts,
            limit);
  }

  private void embed(LineReader lines, EmbeddingEngine engine, Writer writer, Progress progress)
      throws IOException {
    EmbedOptions options = role == Role.QUERY ? EmbedOptions.query() : EmbedOptions.passage();
    EmbedPipeline.Bounds bounds =
        engine.outputs().contains(Output.COLBERT)
            ? EmbedPipeline.LARGE_RESULTS
            : EmbedPipeline.USUAL;
    long done = 0;
    try (EmbedPipeline pipeline = new EmbedPipeline(lines, engine, options, bounds);
        EmbeddingLines json = new EmbeddingLines(writer)) {
      for (EmbedPipeline.Result r = pipeline.next(); r != null; r = pipeline.next()) {
        json.write(r.id(), r.embedding());
        if (pipeline.isDrained()) {
          // The sender may wait for this answer before it sends the next line.
          json.flush();
          writer.flush();
        }
        progress.to(++done);
      }
      json.flush();
    }
  }

  private LineReader openInput() throws IOException {
    return input.equals(STREAM)
        ? new LineReader(console.in(), "standard input")
        : new LineReader(Inputs.open(Path.of(input)), input);
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
}
