package io.luciole.langchain4j;

import static java.util.Objects.requireNonNull;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import dev.langchain4j.model.embedding.request.DefaultEmbeddingRequestParameters;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingInputType;
import dev.langchain4j.model.embedding.request.EmbeddingParameter;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.request.EmbeddingRequestParameters;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.model.embedding.response.EmbeddingResponseMetadata;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * The dense vectors of an engine's model, as LangChain4j's {@code EmbeddingModel}.
 *
 * <pre>{@code
 * EmbeddingEngine engine = EmbeddingEngine.builder().model("BAAI/bge-m3").open();
 * EmbeddingModel model = LucioleEmbeddingModel.of(engine);
 * }</pre>
 *
 * <p>Some models put a prompt before a query or before a passage. Which of them a text is, the
 * request's {@link EmbeddingInputType} says. Without one, {@code embed(String)} embeds a query and
 * everything else, {@code TextSegment}s above all, passages: that is how LangChain4j's own
 * retrievers and ingestors call a model. {@link Builder#inputType} sets another default.
 *
 * <p>The calls of many threads are computed in common batches, so that calls with one text each are
 * as good as one call with many. Each call blocks until its vectors are there. A text that is
 * longer than the model takes is treated as the engine says ({@link
 * io.luciole.EngineBuilder#truncation}). Failures are the engine's exceptions.
 *
 * <p>The sparse weights that the engine gives are computed in the same pass, and remembered as long
 * as the application holds the {@code Embedding}: a {@link LucioleEmbeddingStore} over this model
 * then needs no second pass.
 *
 * <p>Safe for use by many threads. The engine stays the application's to close.
 */
public final class LucioleEmbeddingModel implements EmbeddingModel {
  private final EmbeddingEngine engine;
  private final Set<Output> outputs;
  private final EmbeddingRequestParameters defaults;
  private final List<EmbeddingModelListener> listeners;
  private final KnownEmbeddings known;

  private LucioleEmbeddingModel(Builder builder) {
    this.engine = builder.engine;
    this.outputs = EnumSet.copyOf(builder.outputs);
    this.defaults = builder.defaults;
    this.listeners = List.copyOf(builder.listeners);
    this.known = new KnownEmbeddings(engine.description());
  }

  /**
   * Makes a model of an engine, with the defaults of {@link Builder}.
   *
   * @param engine the engine, whose model must give dense vectors
   * @return the model
   */
  public static LucioleEmbeddingModel of(EmbeddingEngine engine) {
    return builder(engine).build();
  }

  /**
   * Starts a model of an engine.
   *
   * @param engine the engine, whose model must give dense vectors
   * @return a builder
   */
  public static Builder builder(EmbeddingEngine engine) {
    return new Builder(requireNonNull(engine, "engine"));
  }

  /** Puts a model together. Not safe for use by several threads. */
  public static final class Builder {
    private final EmbeddingEngine engine;
    private final Set<Output> outputs;
    private EmbeddingRequestParameters defaults = EmbeddingRequestParameters.EMPTY;
    private List<EmbeddingModelListener> listeners = List.of();

    private Builder(EmbeddingEngine engine) {
      this.engine = engine;
      this.outputs = EnumSet.of(Output.DENSE);
      if (engine.outputs().contains(Output.SPARSE)) {
        outputs.add(Output.SPARSE);
      }
    }

    /**
     * Sets what a text is whose request does not say it, whichever method it comes by.
     *
     * @param type query or document
     * @return this builder
     */
    public Builder inputType(EmbeddingInputType type) {
      this.defaults =
          DefaultEmbeddingRequestParameters.builder().inputType(requireNonNull(type)).build();
      return this;
    }

    /**
     * Sets whether sparse weights are computed in the same pass, and remembered for a {@link
     * LucioleEmbeddingStore}. By default they are if the engine gives them ({@link
     * EmbeddingEngine#outputs}); other stores have no use for them.
     *
     * @param wanted whether they are
     * @return this builder
     */
    public Builder sparseWeights(boolean wanted) {
      return output(Output.SPARSE, wanted);
    }

    /**
     * Sets whether token vectors are computed in the same pass, and remembered for a store whose
     * index keeps them. They take 4 KB a token with BGE-M3. By default they are not: such a store
     * computes them itself.
     *
     * @param wanted whether they are
     * @return this builder
     */
    public Builder tokenVectors(boolean wanted) {
      return output(Output.COLBERT, wanted);
    }

    private Builder output(Output output, boolean wanted) {
      if (wanted) {
        outputs.add(output);
      } else {
        outputs.remove(output);
      }
      return this;
    }

    /**
     * Sets who is told of each call.
     *
     * @param listeners the listeners, called in this order
     * @return this builder
     */
    public Builder listeners(List<EmbeddingModelListener> listeners) {
      this.listeners = requireNonNull(listeners, "listeners");
      return this;
    }

    /** {@return the model} */
    public LucioleEmbeddingModel build() {
      return new LucioleEmbeddingModel(this);
    }
  }

  /** {@return the engine, which stays the application's to close} */
  public EmbeddingEngine engine() {
    return engine;
  }

  /** What this model computed beside the dense vectors that it handed out. */
  KnownEmbeddings known() {
    return known;
  }

  /**
   * Embeds a text, as a query unless {@link Builder#inputType} says otherwise.
   *
   * @param text the text
   * @return its vector, and the number of its tokens
   */
  @Override
  public Response<Embedding> embed(String text) {
    EmbeddingInputType type = defaults.inputType();
    EmbeddingResponse response =
        embed(
            EmbeddingRequest.builder()
                .input(text)
                .inputType(type == null ? EmbeddingInputType.QUERY : type)
                .build());
    return Response.from(response.embeddings().get(0), response.metadata().tokenUsage());
  }

  /**
   * Embeds the texts of a request, for {@link #embed(EmbeddingRequest)}.
   *
   * @param request the request; without an input type its texts are passages
   * @return a vector for each text, in their order
   */
  @Override
  public EmbeddingResponse doEmbed(EmbeddingRequest request) {
    Role role = request.inputType() == EmbeddingInputType.QUERY ? Role.QUERY : Role.PASSAGE;
    List<String> texts = request.inputs().stream().map(EmbeddingInput::text).toList();
    List<io.luciole.Embedding> vectors = engine.embedAll(texts, options(role).outputs(outputs));
    List<Embedding> embeddings = new ArrayList<>(vectors.size());
    for (int i = 0; i < vectors.size(); i++) {
      embeddings.add(known.handOut(vectors.get(i), texts.get(i), role));
    }
    return EmbeddingResponse.builder()
        .embeddings(embeddings)
        .metadata(
            EmbeddingResponseMetadata.builder()
                .modelName(modelName())
                .tokenUsage(tokens(vectors))
                .build())
        .build();
  }

  private static EmbedOptions options(Role role) {
    return role == Role.QUERY ? EmbedOptions.query() : EmbedOptions.passage();
  }

  /** The tokens that the model saw of some texts. */
  static TokenUsage tokens(List<io.luciole.Embedding> vectors) {
    return new TokenUsage(vectors.stream().mapToInt(io.luciole.Embedding::tokenCount).sum());
  }

  @Override
  public EmbeddingRequestParameters defaultRequestParameters() {
    return defaults;
  }

  /** {@return the parameters that a request may set: the input type alone} */
  @Override
  public Set<EmbeddingParameter<?>> supportedParameters() {
    return Set.of(EmbeddingRequestParameters.INPUT_TYPE);
  }

  @Override
  public List<EmbeddingModelListener> listeners() {
    return listeners;
  }

  @Override
  public int dimension() {
    return engine.backend().dimension();
  }

  @Override
  public String modelName() {
    return engine.modelName();
  }
}
