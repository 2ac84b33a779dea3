package io.luciole.examples.langchain4j;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.data.document.Document;
import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.rag.content.Content;
import dev.langchain4j.rag.content.injector.DefaultContentInjector;
import dev.langchain4j.rag.content.retriever.ContentRetriever;
import dev.langchain4j.rag.content.retriever.EmbeddingStoreContentRetriever;
import dev.langchain4j.rag.query.Query;
import io.luciole.EmbeddingEngine;
import io.luciole.langchain4j.LucioleDocumentSplitter;
import io.luciole.langchain4j.LucioleEmbeddingModel;
import io.luciole.langchain4j.LucioleEmbeddingStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

/**
 * A service that answers questions from documents: {@code curl -d 'Which pigment is made of lapis
 * lazuli?' localhost:8081/ask}.
 */
public final class RagService implements AutoCloseable {
  private static final int SEGMENT_TOKENS = 256;
  private static final int CONTENTS = 5;

  private final ObjectMapper json = new ObjectMapper();
  private final EmbeddingEngine engine;
  private final LucioleEmbeddingModel model;
  private final LucioleEmbeddingStore store;
  private final ContentRetriever retriever;
  private final ChatModel chat;
  private final HttpServer http;

  RagService(String modelName, Path index, ChatModel chat, int port) throws IOException {
    this.engine = EmbeddingEngine.builder().model(modelName).open();
    this.model = LucioleEmbeddingModel.of(engine);
    this.store = LucioleEmbeddingStore.open(index, model);
    this.chat = chat;
    // The retriever hands the question's text to the store, so that words search beside vectors.
    this.retriever =
        EmbeddingStoreContentRetriever.builder()
            .embeddingModel(model)
            .embeddingStore(store)
            .maxResults(CONTENTS)
            .build();
    this.http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    http.createContext("/ask", this::answer);
    // Questions of many callers are embedded in common batches.
    http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    http.start();
  }

  /**
   * Starts the service.
   *
   * @param args a corpus of JSON lines with {@code _id}, {@code title} and {@code text}, the folder
   *     of the index and the model; all optional
   * @throws IOException if the corpus cannot be read, or the port is taken
   */
  public static void main(String[] args) throws IOException {
    Path corpus = Path.of(args.length > 0 ? args[0] : "examples/corpus/corpus.jsonl");
    Path index = Path.of(args.length > 1 ? args[1] : "target/rag-index");
    String model = args.length > 2 ? args[2] : "starter";
    RagService service = new RagService(model, index, new Parrot(), 8081);
    Runtime.getRuntime().addShutdownHook(new Thread(service::close));
    service.add(corpus);
  }

  /** Adds a corpus. Segments have ids of their own, so that adding it again replaces them. */
  void add(Path corpus) throws IOException {
    LucioleDocumentSplitter splitter = LucioleDocumentSplitter.of(engine, SEGMENT_TOKENS, 0);
    List<String> ids = new ArrayList<>();
    List<TextSegment> segments = new ArrayList<>();
    for (String line : Files.readAllLines(corpus)) {
      JsonNode node = json.readTree(line);
      String title = node.path("title").asText();
      Document document =
          Document.from(
              title + ". " + node.path("text").asText(),
              Metadata.from(Map.of("title", title, "lang", node.path("lang").asText())));
      for (TextSegment segment : splitter.split(document)) {
        ids.add(node.path("_id").asText() + '#' + segment.metadata().getString("index"));
        segments.add(segment);
      }
    }
    store.addAll(ids, model.embedAll(segments).content(), segments);
    store.commit();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String question =
          new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      List<Content> found = retriever.retrieve(Query.from(question));
      ChatMessage prompt = new DefaultContentInjector().inject(found, UserMessage.from(question));
      String answer = chat.chat(prompt).aiMessage().text();
      List<String> sources =
          found.stream()
              .map(content -> String.valueOf(content.textSegment().metadata().getString("title")))
              .toList();
      byte[] body = json.writeValueAsBytes(Map.of("answer", answer, "sources", sources));
      exchange.getResponseHeaders().add("Content-Type", "application/json");
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  int port() {
    return http.getAddress().getPort();
  }

  /** Ends what is being answered, then commits and closes. */
  @Override
  public void close() {
    http.stop(5);
    store.close();
    engine.close();
  }

  /** In place of a language model: it repeats what it was asked and given. */
  static final class Parrot implements ChatModel {
    @Override
    public ChatResponse doChat(ChatRequest request) {
      UserMessage last = (UserMessage) request.messages().get(request.messages().size() - 1);
      return ChatResponse.builder().aiMessage(AiMessage.from(last.singleText())).build();
    }
  }
}
