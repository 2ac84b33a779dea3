package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingJson;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import io.luciole.testkit.MiniM3;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** One embedding's vectors are the same characters from the library, the command and the server. */
class WireFormatTest {
  private static final String TEXT = "Fireflies glow.";

  @Test
  void vectors_fromLibraryCommandAndServer_areTheSameCharacters() throws Exception {
    String model = MiniM3.folder().toString();
    try (EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
                .model(model)
                .outputs(EnumSet.allOf(Output.class))
                .open();
        LucioleServer server =
            LucioleServer.start(ServerConfig.defaults().at("127.0.0.1", 0), engine);
        HttpClient client = HttpClient.newHttpClient()) {
      String library = EmbeddingJson.write(engine.embed(TEXT, EmbedOptions.passage()).join());
      String fields = library.substring(library.indexOf("\"dense\""), library.length() - 1);
      assertThat(fields).contains("\"dense\":[", "\"sparse\":{", "\"colbert\":[[");

      Cli.Run command =
          Cli.feed(
              "{\"id\":1,\"text\":\"" + TEXT + "\"}\n",
              "embed",
              "--model",
              model,
              "--outputs",
              "dense,sparse,colbert",
              "--input",
              "-");
      assertThat(command.status()).isZero();
      assertThat(command.out()).startsWith("{\"id\":1,\"tokens\":").endsWith("," + fields + "}\n");

      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(server.uri().resolve("/v1/m3/embeddings"))
                  .POST(HttpRequest.BodyPublishers.ofString("{\"input\":\"" + TEXT + "\"}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).contains("\"truncated\":false," + fields + "}]");
    }
  }
}
