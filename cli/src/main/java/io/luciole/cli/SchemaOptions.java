package io.luciole.cli;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.SparseWeights;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The flags for the fields of a new index. An existing index must have the same fields. */
final class SchemaOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--analyzer",
      paramLabel = "NAME",
      description = {
        "How a new index cuts words, for BM25: multilingual (the default: beginnings of words, any"
            + " language), standard (whole words, any language), or a language such as en, de."
      })
  private @Nullable String analyzer;

  @Option(
      names = "--chunk",
      paramLabel = "TOKENS",
      converter = Choice.Positive.class,
      description = "Cut long texts into passages of at most so many tokens, at sentence ends.")
  private @Nullable Integer chunk;

  @Option(
      names = "--chunk-overlap",
      paramLabel = "TOKENS",
      description = "What a passage repeats of the one before; by default an eighth of it.")
  private @Nullable Integer overlap;

  @Option(
      names = "--quantization",
      paramLabel = "KIND",
      converter = QuantizationConverter.class,
      description = {
        "How dense vectors are searched: none (the default), 8bit, 4bit or 1bit, with floats beside"
            + " them to rescore by; or 8bit-only, without floats, in a fifth of the room."
      })
  private @Nullable DenseQuantization quantization;

  @Option(
      names = "--sparse-form",
      paramLabel = "FORM",
      converter = SparseFormConverter.class,
      description = {
        "How sparse weights are kept: impacts (the default); blocks, which are found faster, and"
            + " need luciole-lucene in whatever reads the index; or features, which other programs"
            + " can search as Lucene's own FeatureField."
      })
  private @Nullable SparseForm sparseForm;

  @Option(
      names = "--sparse-weights",
      paramLabel = "KIND",
      converter = SparseWeightsConverter.class,
      description = {
        "How exactly sparse weights are kept: exact (the default: floats beside the postings); or"
            + " 12bit, 10bit or 8bit, in the postings alone, which take a third of the room."
      })
  private @Nullable SparseWeights sparseWeights;

  @Option(
      names = "--colbert",
      paramLabel = "KIND",
      converter = ColbertConverter.class,
      description = {
        "Keep token vectors, for search --rerank: int8, float32, or residual2, which takes a quarter"
            + " of the room of int8 and needs luciole-lucene in whatever reads the index."
      })
  private @Nullable MultiVectorForm colbert;

  @Option(
      names = "--metadata",
      paramLabel = "NAME=TYPE",
      converter = {NameConverter.class, TypeConverter.class},
      description = {
        "Give a metadata field an index of its own, as keyword, long, double, boolean or date."
            + " May be repeated."
      })
  private Map<String, MetadataType> metadata = new LinkedHashMap<>();

  /**
   * Checks what needs no model.
   *
   * @throws ParameterException if a flag wants another beside it
   */
  void requireWhole() {
    if (overlap != null && chunk == null) {
      throw new ParameterException(
          command.commandLine(), "--chunk-overlap: expected --chunk beside it");
    }
  }

  /** The schema that the flags describe, or empty if no flag is set. */
  Optional<HybridSchema> schema(EmbeddingEngine engine) {
    if (analyzer == null
        && chunk == null
        && overlap == null
        && quantization == null
        && sparseForm == null
        && sparseWeights == null
        && colbert == null
        && metadata.isEmpty()) {
      return Optional.empty();
    }
    SchemaBuilder builder = HybridSchema.builder(engine);
    if (analyzer != null) {
      String name = analyzer;
      flag("--analyzer", () -> builder.analyzer(name));
    }
    if (chunk != null) {
      int tokens = chunk;
      flag("--chunk", () -> builder.chunks(tokens, overlap == null ? tokens / 8 : overlap));
      flag("--chunk", () -> engine.chunker(tokens, overlap == null ? tokens / 8 : overlap));
    }
    if (quantization != null) {
      builder.quantization(quantization);
    }
    if (sparseForm != null) {
      require(engine, Output.SPARSE, "--sparse-form: the model gives no sparse weights");
      builder.sparseForm(sparseForm);
    }
    if (sparseWeights != null) {
      require(engine, Output.SPARSE, "--sparse-weights: the model gives no sparse weights");
      builder.sparseWeights(sparseWeights);
    }
    if (colbert != null) {
      require(engine, Output.COLBERT, "--colbert: the model gives no token vectors");
      builder.multiVectors(colbert);
    }
    metadata.forEach((name, type) -> flag("--metadata", () -> builder.metadata(name, type)));
    return Optional.of(Choice.usable(command, builder::build));
  }

  private static void require(EmbeddingEngine engine, Output output, String otherwise) {
    if (!engine.backend().outputs().contains(output)) {
      throw new CliException(otherwise + "; BAAI/bge-m3 does");
    }
  }

  private void flag(String name, Runnable setting) {
    try {
      setting.run();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), name + ": " + Failures.text(e), e);
    }
  }

  /** Reads a quantisation. */
  static final class QuantizationConverter implements ITypeConverter<DenseQuantization> {
    @Override
    public DenseQuantization convert(String value) {
      return Choice.checked(() -> DenseQuantization.parse(value));
    }
  }

  /** Reads a form of sparse weights. */
  static final class SparseFormConverter implements ITypeConverter<SparseForm> {
    @Override
    public SparseForm convert(String value) {
      return Choice.checked(() -> SparseForm.parse(value));
    }
  }

  /** Reads how exactly sparse weights are kept. */
  static final class SparseWeightsConverter implements ITypeConverter<SparseWeights> {
    @Override
    public SparseWeights convert(String value) {
      return Choice.checked(() -> SparseWeights.parse(value));
    }
  }

  /** Reads a form of token vectors. */
  static final class ColbertConverter implements ITypeConverter<MultiVectorForm> {
    @Override
    public MultiVectorForm convert(String value) {
      return Choice.of(
          MultiVectorForm.values(), form -> form.name().toLowerCase(Locale.ROOT), value);
    }
  }

  /** Takes a name as it is; picocli wants a converter for each side of a pair, or for none. */
  static final class NameConverter implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      return value;
    }
  }

  /** Reads a type of metadata. */
  static final class TypeConverter implements ITypeConverter<MetadataType> {
    @Override
    public MetadataType convert(String value) {
      return Choice.of(MetadataType.values(), MetadataType::id, value);
    }
  }
}
