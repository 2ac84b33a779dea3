package io.luciole.cli.embed;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;

/**
 * Embeds the texts of a source into an output.
 *
 * @param engine embeds
 * @param options how each text is embedded
 * @param skipFailures whether a text that fails is told and passed over; otherwise it ends the job
 */
public record EmbedJob(EmbeddingEngine engine, EmbedOptions options, boolean skipFailures) {
  /** {@return the outputs of each text} */
  public Set<Output> outputs() {
    return options.outputs().isEmpty() ? engine.outputs() : options.outputs();
  }

  /**
   * What is written of each text, and nothing of the whole.
   *
   * @param tokenStrings whether sparse vectors have the strings of their tokens beside them
   * @return the layout
   */
  public VectorLayout layout(boolean tokenStrings) {
    return new VectorLayout(
        outputs(),
        engine.backend().dimension(),
        tokenStrings ? engine::decodeToken : null,
        Map.of());
  }

  /**
   * As {@link #layout}, with the model and the role. The first call reads the model's files.
   *
   * @param tokenStrings as there
   * @return the layout
   */
  public VectorLayout layoutOfFile(boolean tokenStrings) {
    return layout(tokenStrings)
        .withAbout(
            Map.of(
                "luciole.model", engine.modelName(),
                "luciole.fingerprint", engine.fingerprint().format(),
                "luciole.role", options.role().name().toLowerCase(Locale.ROOT)));
  }

  /**
   * All that must be the same for a later run to go on with the work of this one, by names for
   * people.
   *
   * @param format the format of the output
   * @param layout what is written of each text
   * @return the settings' values by their names
   */
  public Map<String, String> settings(VectorFormat format, VectorLayout layout) {
    ModelFingerprint model = engine.fingerprint();
    Map<String, String> settings = new TreeMap<>();
    settings.put("weights", model.weightsDigest().substring(0, 12));
    settings.put("tokenizer", model.tokenizerDigest().substring(0, 12));
    settings.put("precision", engine.backend().precision());
    settings.put("backend", engine.backend().backend());
    settings.put("outputs", EnumSet.copyOf(outputs()).toString());
    settings.put("role", options.role().toString());
    settings.put("truncation", options.truncation().orElse(engine.truncation()).toString());
    settings.put("most tokens", Integer.toString(engine.description().maxTokens()));
    settings.put("pooling, prompts and what else", engine.settingsDigest(options).substring(0, 12));
    settings.put("format", format.id());
    settings.put("token strings", Boolean.toString(layout.tokenStrings() != null));
    return settings;
  }

  /**
   * Embeds what is not done yet; {@link EmbedOutput#finish} is left to the caller.
   *
   * @param source the texts, from the first
   * @param output where the outcomes go
   * @param progress told the number of texts after each
   * @throws IOException if vectors cannot be written
   * @throws LucioleException if texts cannot be read further, if one fails and failures are not
   *     skipped, or if no further text can be embedded
   */
  public void run(TextSource source, EmbedOutput output, LongConsumer progress) throws IOException {
    skipDone(source, output);
    EmbedPipeline.Bounds bounds =
        outputs().contains(Output.COLBERT) ? EmbedPipeline.LARGE_RESULTS : EmbedPipeline.USUAL;
    try (EmbedPipeline pipeline = new EmbedPipeline(source, engine, options, bounds)) {
      for (Outcome o = pipeline.next(); o != null; o = pipeline.next()) {
        if (o instanceof Outcome.Failed failed && !skipFailures) {
          throw new LucioleException(failed.place() + ": " + failed.problem(), failed.cause());
        }
        output.add(o);
        if (pipeline.isDrained()) {
          // The sender may wait for this answer before it sends the next text.
          output.flush();
        }
        progress.accept(output.counts().texts());
      }
    }
  }

  private static void skipDone(TextSource source, EmbedOutput output) {
    try {
      output.skipDone(source);
    } catch (IOException e) {
      throw new LucioleException(String.valueOf(e.getMessage()), e);
    }
  }
}
