package io.luciole.examples.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the service as a user would, with a part of the corpus. */
class RagServiceTest {
  private static final String QUESTION = "Which pigment came from lapis lazuli?";

  @TempDir private Path folder;

  private static JsonNode ask(RagService service) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + service.port() + "/ask"))
            .POST(BodyPublishers.ofString(QUESTION))
            .build();
    try (HttpClient client = HttpClient.newHttpClient()) {
      return new ObjectMapper().readTree(client.send(request, BodyHandlers.ofString()).body());
    }
  }

  @Test
  void questions_areAnsweredFromTheDocuments() throws Exception {
    List<String> part;
    try (Stream<String> lines = Files.lines(Path.of("../corpus/corpus.jsonl"))) {
      part = lines.filter(l -> l.contains("\"ultramarine\"") || l.hashCode() % 30 == 0).toList();
    }
    Path corpus = Files.write(folder.resolve("corpus.jsonl"), part);
    Path index = folder.resolve("index");
    try (RagService service = new RagService("starter", index, new RagService.Parrot(), 0)) {
      service.add(corpus);
      service.add(corpus);
      JsonNode answer = ask(service);
      assertThat(answer.path("answer").asText())
          .startsWith(QUESTION)
          .contains("Answer using the following information:")
          .containsIgnoringCase("ultramarine");
      assertThat(answer.path("sources"))
          .hasSize(5)
          .extracting(JsonNode::asText)
          .doesNotHaveDuplicates()
          .first()
          .asString()
          .containsIgnoringCase("ultramarine");
    }
    try (RagService again = new RagService("starter", index, new RagService.Parrot(), 0)) {
      assertThat(ask(again).path("sources")).hasSize(5);
    }
  }
}
