package outside;

import dev.langchain4j.data.document.Document;
import dev.langchain4j.rag.content.Content;
import dev.langchain4j.rag.content.retriever.EmbeddingStoreContentRetriever;
import dev.langchain4j.rag.query.Query;
import dev.langchain4j.store.embedding.EmbeddingStoreIngestor;
import io.luciole.EmbeddingEngine;
import io.luciole.langchain4j.LucioleEmbeddingModel;
import io.luciole.langchain4j.LucioleEmbeddingStore;
import java.nio.file.Path;
import java.util.List;

/** Hybrid retrieval with LangChain4j, in ten lines. */
public final class Retrieval {
  private Retrieval() {}

  static List<Content> answer(Path folder, String question, Document... documents) {
    try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open()) {
      LucioleEmbeddingModel model = LucioleEmbeddingModel.of(engine);
      try (LucioleEmbeddingStore store = LucioleEmbeddingStore.open(folder, model)) {
        EmbeddingStoreIngestor.builder().embeddingModel(model).embeddingStore(store).build()
            .ingest(documents);
        return EmbeddingStoreContentRetriever.builder()
            .embeddingModel(model).embeddingStore(store).maxResults(1).build()
            .retrieve(Query.from(question));
      }
    }
  }
}
