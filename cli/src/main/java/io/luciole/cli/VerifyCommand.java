package io.luciole.cli;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.model.ModelFiles;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code luciole verify}: opens a model and holds it against figures of others and itself. */
@Command(
    name = "verify",
    description = {
      "Prove a model: its vectors against the figures that its authors publish (BAAI/bge-m3), or the"
          + " example in its README; each text alone against the same in a batch; its arithmetic"
          + " against fp32; and the backends against each other.",
      "The exit status is 0 if all agree, 1 if not."
    },
    footer = {
      "",
      "Examples:",
      "  luciole verify --model BAAI/bge-m3",
      "  luciole verify --model BAAI/bge-m3 --device cuda:0",
      "  luciole verify --model my-model --figures figures.json"
    })
final class VerifyCommand implements Callable<Integer> {
  /** Cosines in READMEs have four digits, of which GPUs computed the last. */
  private static final double README_DIGITS = 2e-3;

  private final PrintWriter out;

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  @Option(
      names = "--figures",
      paramLabel = "FILE",
      description = "Figures to hold the model against, in the form of docs/verify.md.")
  private @Nullable Path figuresFile;

  @Option(
      names = "--outputs",
      paramLabel = "LIST",
      split = ",",
      converter = EmbedCommand.OutputConverter.class,
      description =
          "Which vectors, of dense, sparse and colbert; by default all for which the model has"
              + " files.")
  private Set<Output> outputs = EnumSet.noneOf(Output.class);

  private int compared;
  private int agreed;

  VerifyCommand(Console console) {
    this.out = console.out();
  }

  @Override
  public Integer call() throws IOException {
    LucioleConfig config = LucioleConfig.load().requireKnown();
    @Nullable PublishedFigures own =
        figuresFile == null ? null : PublishedFigures.read(figuresFile);
    ModelFiles files = engineOptions.modelFiles(config);
    if (outputs.isEmpty() && files.sparseHead() != null && files.colbertHead() != null) {
      outputs = EnumSet.allOf(Output.class);
    }
    BackendInfo info;
    List<Embedding> embeddings;
    try (EmbeddingEngine engine = engineOptions.open(builder(config))) {
      info = engine.backend();
      outputs = engine.outputs();
      out.println(
          "Verifying "
              + engine.modelName()
              + " on "
              + info.device()
              + " with "
              + info.version()
              + " ("
              + info.precision()
              + ")");
      Slack slack = Slack.of(info.precision());
      figuresOfOthers(engine, own, files, slack);
      embeddings = Consistency.together(engine);
      section("The model against itself");
      compare("alone and in a batch", Consistency.alone(engine), embeddings, slack.ofBatch());
    }
    otherArithmetics(config, info, embeddings);
    out.println();
    out.println(agreed + " of " + compared + " figures agree.");
    return agreed == compared ? 0 : 1;
  }

  private EngineBuilder builder(LucioleConfig config) {
    EngineBuilder builder = engineOptions.builder(config);
    return outputs.isEmpty() ? builder : builder.outputs(outputs);
  }

  private void figuresOfOthers(
      EmbeddingEngine engine, @Nullable PublishedFigures own, ModelFiles files, Slack slack)
      throws IOException {
    Optional<PublishedFigures> published =
        own == null ? PublishedFigures.of(engine.modelName()) : Optional.of(own);
    if (published.isPresent()) {
      PublishedFigures figures = published.get();
      section(figures.model() + ": " + figures.source());
      report(figures.compare(engine, slack.score()));
      return;
    }
    Optional<ReadmeExample> example = ReadmeExample.in(files.folder());
    // The example has no prompt.
    if (example.isPresent() && files.description().prompt(Role.PASSAGE).isEmpty()) {
      section("The example in the model's README");
      report(example.get().compare(engine, README_DIGITS + slack.score()));
      return;
    }
    out.println();
    out.println(
        "No figures of others: none come with Luciole for this name, and there is no README.md with"
            + " an example beside the model; --figures FILE names some.");
  }

  /** The same texts in fp32 on the CPU, by the same backend and by the others. */
  private void otherArithmetics(
      LucioleConfig config, BackendInfo info, List<Embedding> embeddings) {
    Slack slack = Slack.of(info.precision());
    boolean exact = slack.equals(Slack.FP32) && info.device().equals(Device.CPU);
    for (BackendProvider provider : Backends.find().providers()) {
      boolean same = provider.name().equals(info.backend());
      if (same && exact) {
        continue;
      }
      section("In fp32 on the CPU by the backend " + provider.name());
      try (EmbeddingEngine other =
          builder(config)
              .backend(provider.name())
              .devices(List.of(Device.CPU))
              .precision(Precision.FP32)
              .open()) {
        compare("fp32", embeddings, Consistency.together(other), slack);
      } catch (LucioleException | IllegalArgumentException e) {
        out.println("  --    not compared: " + Failures.text(e));
      }
    }
  }

  private void compare(String what, List<Embedding> found, List<Embedding> expected, Slack slack) {
    report(Consistency.compare(what, found, expected, outputs, slack.cosine(), slack.weight()));
  }

  private void section(String title) {
    out.println();
    out.println(Check.heading(title));
  }

  private void report(List<Check> checks) {
    for (Check check : checks) {
      compared++;
      agreed += check.agrees() ? 1 : 0;
      out.println(check);
    }
    out.flush();
  }
}
