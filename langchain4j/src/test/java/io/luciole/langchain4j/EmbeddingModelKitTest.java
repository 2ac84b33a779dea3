package io.luciole.langchain4j;

import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.common.AbstractEmbeddingModelIT;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import io.luciole.EmbeddingEngine;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/**
 * LangChain4j's published tests of models, with the starter model, which has a prompt for queries.
 * What the kit asks for and a text model with one dimension does not have is refused as the kit
 * demands it.
 */
class EmbeddingModelKitTest extends AbstractEmbeddingModelIT {
  private EmbeddingEngine engine;
  private EmbeddingEngine closed;

  @BeforeAll
  void open() {
    engine = EmbeddingEngine.builder().model("starter").device("cpu").open();
    closed = EmbeddingEngine.builder().model("starter").device("cpu").open();
    closed.close();
  }

  @AfterAll
  void close() {
    engine.close();
  }

  @Override
  protected List<EmbeddingModel> models() {
    return List.of(LucioleEmbeddingModel.of(engine));
  }

  @Override
  protected EmbeddingModel modelWith(EmbeddingModelListener listener) {
    return LucioleEmbeddingModel.builder(engine).listeners(List.of(listener)).build();
  }

  @Override
  protected EmbeddingModel failingModelWith(EmbeddingModelListener listener) {
    return LucioleEmbeddingModel.builder(closed).listeners(List.of(listener)).build();
  }

  /** The model's vectors have one length. */
  @Override
  protected boolean supportsDimensionsParameter() {
    return false;
  }

  /** The model reads text only. */
  @Override
  protected boolean supportsImageInput() {
    return false;
  }
}
