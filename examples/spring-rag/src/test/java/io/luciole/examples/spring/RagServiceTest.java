package io.luciole.examples.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** Runs the service as a user would, with a part of the corpus. */
class RagServiceTest {
  @TempDir private Path folder;

  private static String get(String port, String path, String value)
      throws IOException, InterruptedException {
    URI uri =
        URI.create(
            "http://localhost:" + port + path + URLEncoder.encode(value, StandardCharsets.UTF_8));
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).body();
    }
  }

  @Test
  void questions_areAnsweredFromTheDocuments() throws Exception {
    List<String> part;
    try (Stream<String> lines = Files.lines(Path.of("../corpus/corpus.jsonl"))) {
      part = lines.filter(l -> l.contains("\"ultramarine\"") || l.hashCode() % 10 == 0).toList();
    }
    Path corpus = Files.write(folder.resolve("corpus.jsonl"), part);
    try (ConfigurableApplicationContext context =
        SpringApplication.run(
            RagService.class,
            corpus.toString(),
            "--server.port=0",
            "--luciole.index.folder=" + folder.resolve("index"))) {
      String port = String.valueOf(context.getEnvironment().getProperty("local.server.port"));

      assertThat(get(port, "/search?text=", "lapis lazuli pigment"))
          .startsWith("[{\"id\":\"ultramarine\",\"score\":0.");
      assertThat(get(port, "/search?text=lapis&filter=", "lang == 'de'"))
          .doesNotContain("\"ultramarine\"");
      String answer = get(port, "/ask?question=", "Which pigment came from lapis lazuli?");
      assertThat(answer)
          .contains("Which pigment came from lapis lazuli?")
          .containsIgnoringCase("ultramarine");
    }
  }
}
