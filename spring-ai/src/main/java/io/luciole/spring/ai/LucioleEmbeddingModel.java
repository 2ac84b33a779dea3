package io.luciole.spring.ai;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.spi.BackendInfo;
import io.micrometer.observation.ObservationRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.BatchingStrategy;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.EmbeddingResponseMetadata;
import org.springframework.ai.embedding.observation.DefaultEmbeddingModelObservationConvention;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationContext;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationConvention;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationDocumentation;

/**
 * The dense vectors of an engine as Spring AI's {@link EmbeddingModel}.
 *
 * <p>Queries and passages are told apart as Spring AI's own vector stores use this interface:
 * {@link #embed(String)} embeds a query, all other methods embed passages, unless the request has
 * {@link LucioleEmbeddingOptions}. So any vector store of Spring AI's gives queries their prompt
 * and the interactive lane, and documents theirs and the bulk lane.
 *
 * <p>All methods block until the vectors are there. All texts of a call are submitted at once, and
 * the engine makes batches of the texts of all callers; it needs no {@link BatchingStrategy}.
 *
 * <p>Every call is an observation {@code gen_ai.client.operation} with {@code gen_ai.system} {@code
 * luciole}. Safe for use by many threads.
 */
public final class LucioleEmbeddingModel implements EmbeddingModel {
  /** What observations call the provider of the model and of the vector store. */
  static final String PROVIDER = "luciole";

  private static final EmbeddingModelObservationConvention CONVENTION =
      new DefaultEmbeddingModelObservationConvention();

  private final EmbeddingEngine engine;
  private final ObservationRegistry observations;
  private final @Nullable EmbeddingModelObservationConvention convention;

  /**
   * Makes a model that is not observed.
   *
   * @param engine the engine, which gives dense vectors; it stays the caller's to close
   */
  public LucioleEmbeddingModel(EmbeddingEngine engine) {
    this(engine, ObservationRegistry.NOOP, null);
  }

  /**
   * Makes a model.
   *
   * @param engine the engine, which gives dense vectors; it stays the caller's to close
   * @param observations where calls are observed
   * @param convention how observations are named; null for Spring AI's own names
   * @throws IllegalArgumentException if the engine's model gives no dense vectors
   */
  public LucioleEmbeddingModel(
      EmbeddingEngine engine,
      ObservationRegistry observations,
      @Nullable EmbeddingModelObservationConvention convention) {
    this.engine = requireNonNull(engine, "engine");
    this.observations = requireNonNull(observations, "observations");
    this.convention = convention;
    BackendInfo backend = engine.backend();
    // The mock of a test has none.
    if (backend != null && !backend.outputs().contains(Output.DENSE)) {
      throw new IllegalArgumentException(
          "expected a model with dense vectors; "
              + engine.modelName()
              + " gives "
              + backend.outputs());
    }
  }

  /**
   * Embeds the texts of a request.
   *
   * @param request the texts, and what they are: {@link LucioleEmbeddingOptions}, or else passages
   * @return a vector for each text, in their order, and the number of tokens computed
   * @throws IllegalArgumentException if the options ask for another model or dimension than the
   *     engine's
   * @throws io.luciole.LucioleException the failure of the first text that failed
   */
  @Override
  public EmbeddingResponse call(EmbeddingRequest request) {
    requireNonNull(request, "request");
    return embed(request.getInstructions(), roleOf(request.getOptions()), request.getOptions());
  }

  /**
   * Embeds a query.
   *
   * @param text the query
   * @return its vector
   * @throws io.luciole.LucioleException if it cannot be embedded
   */
  @Override
  public float[] embed(String text) {
    return one(text, LucioleEmbeddingOptions.query());
  }

  /**
   * Embeds the text of a document, without its metadata, as a passage.
   *
   * @param document the document
   * @return its vector
   * @throws IllegalArgumentException if the document has no text
   * @throws io.luciole.LucioleException if it cannot be embedded
   */
  @Override
  public float[] embed(Document document) {
    return one(textOf(document), LucioleEmbeddingOptions.passage());
  }

  private float[] one(String text, LucioleEmbeddingOptions options) {
    return embed(List.of(text), options.role(), options).getResult().getOutput();
  }

  /**
   * Embeds the texts of documents, without their metadata, as passages.
   *
   * @param documents the documents
   * @param options as for {@link #call}
   * @param batchingStrategy not used: the engine makes its own batches
   * @return a vector for each document, in their order
   * @throws IllegalArgumentException if a document has no text, or as for {@link #call}
   * @throws io.luciole.LucioleException as for {@link #call}
   */
  @Override
  public List<float[]> embed(
      List<Document> documents, EmbeddingOptions options, BatchingStrategy batchingStrategy) {
    List<String> texts = documents.stream().map(LucioleEmbeddingModel::textOf).toList();
    return embed(texts, roleOf(options), options).getResults().stream()
        .map(Embedding::getOutput)
        .toList();
  }

  /** {@return the components of a vector} */
  @Override
  public int dimensions() {
    return engine.backend().dimension();
  }

  static String textOf(Document document) {
    String text = document.getText();
    if (text == null) {
      throw new IllegalArgumentException(
          "expected documents with text; the document " + document.getId() + " has media");
    }
    return text;
  }

  private EmbeddingResponse embed(
      List<String> texts, Role role, @Nullable EmbeddingOptions options) {
    requireSameModel(options);
    EmbeddingModelObservationContext context =
        EmbeddingModelObservationContext.builder()
            .embeddingRequest(new EmbeddingRequest(texts, named()))
            .provider(PROVIDER)
            .build();
    Supplier<EmbeddingResponse> call =
        () -> {
          EmbeddingResponse response = compute(texts, role);
          context.setResponse(response);
          return response;
        };
    return requireNonNull(
        EmbeddingModelObservationDocumentation.EMBEDDING_MODEL_OPERATION
            .observation(convention, CONVENTION, () -> context, observations)
            .observe(call));
  }

  private EmbeddingResponse compute(List<String> texts, Role role) {
    EmbedOptions how = role == Role.QUERY ? EmbedOptions.query() : EmbedOptions.passage();
    List<Embedding> results = new ArrayList<>(texts.size());
    int tokens = 0;
    for (io.luciole.Embedding each : engine.embedAll(texts, how.outputs(Output.DENSE))) {
      results.add(new Embedding(each.dense(), results.size()));
      tokens += each.tokenCount();
    }
    return new EmbeddingResponse(
        results,
        new EmbeddingResponseMetadata(
            engine.modelName(), new DefaultUsage(tokens, 0, tokens), Map.of()));
  }

  /** The options that an observation shows: what is in effect. */
  private EmbeddingOptions named() {
    return EmbeddingOptions.builder().model(engine.modelName()).dimensions(dimensions()).build();
  }

  private static Role roleOf(@Nullable EmbeddingOptions options) {
    return options instanceof LucioleEmbeddingOptions ours ? ours.role() : Role.PASSAGE;
  }

  private void requireSameModel(@Nullable EmbeddingOptions options) {
    String model = options == null ? null : options.getModel();
    if (model != null && !model.isEmpty() && !model.equals(engine.modelName())) {
      throw new IllegalArgumentException(
          "expected options for the model "
              + engine.modelName()
              + ", which the engine runs, got "
              + model
              + ": open another engine for that model");
    }
    Integer dimensions = options == null ? null : options.getDimensions();
    if (dimensions != null && dimensions != dimensions()) {
      throw new IllegalArgumentException(
          "expected vectors of "
              + dimensions()
              + " dimensions, which the model "
              + engine.modelName()
              + " gives, got "
              + dimensions);
    }
  }
}
