package io.luciole.cli;

import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import io.luciole.EngineBuilder;
import io.luciole.LucioleException;
import io.luciole.model.ModelFiles;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Holds a reranker against its authors' figures and itself: each pair alone as in a batch, and in
 * fp32 on the CPU by every backend.
 */
final class RerankerProof {
  private static final String QUERY = "Which insects glow at dusk?";

  private final CheckTable table;
  private final ModelFiles model;
  private final Supplier<EngineBuilder> builder;

  /**
   * Creates a proof.
   *
   * @param model the reranker's files
   * @param builder makes a builder that has the flags laid over it
   */
  RerankerProof(CheckTable table, ModelFiles model, Supplier<EngineBuilder> builder) {
    this.table = table;
    this.model = model;
    this.builder = builder;
  }

  /** Runs it; the figures are the user's, or null for those that come with Luciole. */
  void run(@Nullable Path figures) throws IOException {
    @Nullable PairFigures own = figures == null ? null : Figures.read(figures, PairFigures.class);
    BackendInfo info;
    List<Double> scores;
    try (CrossEncoder reranker = CrossEncoder.open(builder.get())) {
      info = reranker.engine().backend();
      table.say(
          "Verifying the reranker "
              + reranker.modelName()
              + " on "
              + info.device()
              + " with "
              + info.version()
              + " ("
              + info.precision()
              + ")");
      Slack slack = Slack.of(info.precision());
      Optional<PairFigures> published =
          own == null ? Figures.of(reranker.modelName(), PairFigures.class) : Optional.of(own);
      if (published.isPresent()) {
        table.section(published.get().model() + ": " + published.get().source());
        table.report(published.get().compare(reranker, slack.ofPairs()));
      } else {
        example(reranker, slack);
      }
      scores = together(reranker);
      table.section("The model against itself");
      compare("alone and in a batch", alone(reranker), scores, slack.ofBatch().ofPairs());
    }
    otherArithmetics(info, scores);
  }

  private void example(CrossEncoder reranker, Slack slack) throws IOException {
    Optional<PairsExample> example = PairsExample.in(model.folder());
    List<Check> checks =
        example.isEmpty()
            ? List.of()
            : example.get().compare(reranker, model.folder(), slack.ofPairs());
    if (checks.isEmpty()) {
      table.say(
          "No figures of others: none come with Luciole for this name, and there is no README.md with"
              + " an example of scores beside the model; --figures FILE names some.");
      return;
    }
    table.section("The example in the model's README");
    table.report(checks);
  }

  private void otherArithmetics(BackendInfo info, List<Double> scores) {
    Slack slack = Slack.of(info.precision());
    boolean exact = slack.equals(Slack.FP32) && info.device().equals(Device.CPU);
    for (BackendProvider provider : Backends.find().providers()) {
      if (exact && provider.name().equals(info.backend())) {
        continue;
      }
      table.section("In fp32 on the CPU by the backend " + provider.name());
      try (CrossEncoder other =
          CrossEncoder.open(
              builder
                  .get()
                  .backend(provider.name())
                  .devices(List.of(Device.CPU))
                  .precision(Precision.FP32))) {
        compare("fp32", scores, together(other), slack.ofPairs());
      } catch (LucioleException | IllegalArgumentException e) {
        table.notCompared(Failures.text(e));
      }
    }
  }

  private static List<Double> together(CrossEncoder reranker) {
    return reranker.scoreAll(QUERY, Consistency.TEXTS, options()).stream()
        .map(score -> (double) score.value())
        .toList();
  }

  private static List<Double> alone(CrossEncoder reranker) {
    List<Double> scores = new ArrayList<>();
    for (String text : Consistency.TEXTS) {
      scores.add((double) reranker.score(QUERY, text, options()).join().value());
    }
    return scores;
  }

  private static EmbedOptions options() {
    return EmbedOptions.passage();
  }

  private void compare(String what, List<Double> found, List<Double> expected, double allowed) {
    double largest = 0;
    for (int i = 0; i < found.size(); i++) {
      largest = Math.max(largest, Math.abs(found.get(i) - expected.get(i)));
    }
    table.report(List.of(new Check(what + ": scores apart", largest, 0, allowed)));
  }
}
