package io.luciole.examples.spring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.lucene.HybridIndexer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.document.Document;
import org.springframework.ai.rag.advisor.RetrievalAugmentationAdvisor;
import org.springframework.ai.rag.retrieval.search.VectorStoreDocumentRetriever;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * A service that answers questions from documents. Started with the path of a corpus of JSON lines
 * (`examples/corpus/corpus.jsonl`), it indexes it; `application.properties` names the index's
 * folder. Then `GET /ask?question=…` answers, and `GET /search?text=…&filter=lang == 'en'` shows
 * what was found.
 */
@SpringBootApplication
class RagService {
  /** Starts the service. */
  public static void main(String[] args) {
    SpringApplication.run(RagService.class, args);
  }

  /** A stub: it answers with what it was given. Remove it and add a model of Spring AI's. */
  @Bean
  ChatModel languageModel() {
    return prompt ->
        new ChatResponse(List.of(new Generation(new AssistantMessage(prompt.getContents()))));
  }

  /** A chat with the five best documents of the store, in the store's order, for each question. */
  @Bean
  ChatClient chat(ChatModel model, VectorStore store) {
    RetrievalAugmentationAdvisor documents =
        RetrievalAugmentationAdvisor.builder()
            .documentRetriever(
                VectorStoreDocumentRetriever.builder().vectorStore(store).topK(5).build())
            .documentJoiner(found ->
                found.values().stream().flatMap(List::stream).flatMap(List::stream).toList())
            .build();
    return ChatClient.builder(model).defaultAdvisors(documents).build();
  }

  /** Indexes the corpus that the first argument names; documents that are there are replaced. */
  @Bean
  ApplicationRunner indexing(VectorStore store, HybridIndexer indexer) {
    return (ApplicationArguments arguments) -> {
      for (String corpus : arguments.getNonOptionArgs()) {
        store.add(read(Path.of(corpus)));
        indexer.commit();
      }
    };
  }

  private static List<Document> read(Path corpus) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<Document> documents = new ArrayList<>();
    for (String line : Files.readAllLines(corpus)) {
      JsonNode node = json.readTree(line);
      String title = node.path("title").asText();
      documents.add(
          new Document(
              node.path("_id").asText(),
              title + ". " + node.path("text").asText(),
              Map.of("title", title, "lang", node.path("lang").asText())));
    }
    return documents;
  }

  /** The operations of the service. */
  @RestController
  static class Questions {
    private final ChatClient chat;
    private final VectorStore store;

    Questions(ChatClient chat, VectorStore store) {
      this.chat = chat;
      this.store = store;
    }

    /** A document found. */
    record Found(String id, double score, String title) {}

    @GetMapping("/ask")
    String ask(@RequestParam("question") String question) {
      return String.valueOf(chat.prompt(question).call().content());
    }

    @GetMapping("/search")
    List<Found> search(
        @RequestParam("text") String text,
        @RequestParam(name = "filter", defaultValue = "lang is not null") String filter) {
      SearchRequest request = SearchRequest.builder().query(text).filterExpression(filter).build();
      return store.similaritySearch(request).stream()
          .map(each ->
              new Found(
                  each.getId(),
                  each.getScore() == null ? 0 : each.getScore(),
                  String.valueOf(each.getMetadata().get("title"))))
          .toList();
    }
  }
}
