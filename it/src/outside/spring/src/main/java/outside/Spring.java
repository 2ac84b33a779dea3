package outside;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.springframework.ai.document.Document;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Hybrid search with Spring Boot and Spring AI, in ten lines. */
@SpringBootApplication
public class Spring {
  static List<Document> answer(Path folder, String question) {
    try (var context = SpringApplication.run(Spring.class, "--luciole.index.folder=" + folder)) {
      VectorStore store = context.getBean(VectorStore.class);
      store.add(
          List.of(
              new Document("d1", "Fireflies: on summer evenings they glow.", Map.of("year", 2024)),
              new Document("d2", "Inflation: prices rise, and wages follow.", Map.of("year", 2020))));
      return store.similaritySearch(
          SearchRequest.builder().query(question).filterExpression("year > 2000").topK(1).build());
    }
  }
}
