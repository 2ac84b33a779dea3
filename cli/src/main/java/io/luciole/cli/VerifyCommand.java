package io.luciole.cli;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.ScoringHead;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.io.IOException;
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
          + " against fp32; and the backends against each other. A reranker's scores likewise.",
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

  private final CheckTable table;

  VerifyCommand(Console console) {
    this.table = new CheckTable(console.out());
  }

  @Override
  public Integer call() throws IOException {
    LucioleConfig config = LucioleConfig.load().requireKnown();
    ModelFiles files = engineOptions.modelFiles(config);
    if (ScoringHead.isIn(files)) {
      new RerankerProof(table, files, () -> engineOptions.builder(config)).run(figuresFile);
      return table.end();
    }
    @Nullable PublishedFigures own =
        figuresFile == null ? null : Figures.read(figuresFile, PublishedFigures.class);
    if (outputs.isEmpty() && files.sparseHead() != null && files.colbertHead() != null) {
      outputs = EnumSet.allOf(Output.class);
    }
    BackendInfo info;
    List<Embedding> embeddings;
    try (EmbeddingEngine engine = engineOptions.open(builder(config))) {
      info = engine.backend();
      outputs = engine.outputs();
      table.say(
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
      table.section("The model against itself");
      compare("alone and in a batch", Consistency.alone(engine), embeddings, slack.ofBatch());
    }
    otherArithmetics(config, files, info, embeddings);
    return table.end();
  }

  private EngineBuilder builder(LucioleConfig config) {
    EngineBuilder builder = engineOptions.builder(config);
    return outputs.isEmpty() ? builder : builder.outputs(outputs);
  }

  private void figuresOfOthers(
      EmbeddingEngine engine, @Nullable PublishedFigures own, ModelFiles files, Slack slack)
      throws IOException {
    Optional<PublishedFigures> published =
        own == null ? Figures.of(engine.modelName(), PublishedFigures.class) : Optional.of(own);
    if (published.isPresent()) {
      PublishedFigures figures = published.get();
      table.section(figures.model() + ": " + figures.source());
      table.report(figures.compare(engine, slack.score()));
      return;
    }
    Optional<ReadmeExample> example = ReadmeExample.in(files.folder());
    // The example has no prompt.
    if (example.isPresent() && files.description().prompt(Role.PASSAGE).isEmpty()) {
      table.section("The example in the model's README");
      table.report(example.get().compare(engine, README_DIGITS + slack.score()));
      return;
    }
    table.say(
        "No figures of others: none come with Luciole for this name, and there is no README.md with"
            + " an example beside the model; --figures FILE names some.");
  }

  /**
   * The same texts in fp32 on the CPU, by the same backend and by the others. An export has one
   * arithmetic, so that beside it the checkpoint of its folder is run, if there is one.
   */
  private void otherArithmetics(
      LucioleConfig config, ModelFiles files, BackendInfo info, List<Embedding> embeddings) {
    Slack slack = Slack.of(info.precision());
    boolean isExport = files.checkpoint().isEmpty();
    Optional<ModelSource> checkpoint = isExport ? checkpointOf(files) : Optional.empty();
    boolean exact = slack.equals(Slack.FP32) && info.device().equals(Device.CPU);
    for (BackendProvider provider : Backends.find().providers()) {
      boolean same = provider.name().equals(info.backend());
      if (same && exact && !isExport) {
        continue;
      }
      table.section(
          (checkpoint.isPresent() ? "Its checkpoint in" : "In")
              + " fp32 on the CPU by the backend "
              + provider.name());
      EngineBuilder builder =
          builder(config)
              .backend(provider.name())
              .devices(List.of(Device.CPU))
              .precision(Precision.FP32);
      checkpoint.ifPresent(builder::model);
      try (EmbeddingEngine other = builder.open()) {
        if (same && checkpoint.isEmpty() && sameArithmetic(info, other.backend())) {
          table.notCompared(
              "the model is an export of one arithmetic, and no checkpoint lies beside it");
        } else {
          compare("fp32", embeddings, Consistency.together(other), slack);
        }
      } catch (LucioleException | IllegalArgumentException e) {
        table.notCompared(Failures.text(e));
      }
    }
  }

  private static boolean sameArithmetic(BackendInfo one, BackendInfo other) {
    return one.precision().equals(other.precision()) && one.device().equals(other.device());
  }

  /** The checkpoint that an export was made of, as far as its folder has it. */
  private static Optional<ModelSource> checkpointOf(ModelFiles export) {
    ModelSource folder = ModelSource.path(export.folder());
    try {
      return folder.resolve().checkpoint().map(weights -> folder);
    } catch (ModelException e) {
      return Optional.empty();
    }
  }

  private void compare(String what, List<Embedding> found, List<Embedding> expected, Slack slack) {
    table.report(
        Consistency.compare(what, found, expected, outputs, slack.cosine(), slack.weight()));
  }
}
