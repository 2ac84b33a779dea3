package io.luciole.server.clients;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that run on Node, and npm's openai in headless Chromium. Skipped, with the reason, where
 * there is no Node or no Chromium ({@code CHROMIUM} names one that is not on the path).
 */
@Tag("node")
@Timeout(600)
class NodeClientsTest {
  @TempDir Path folder;

  @BeforeAll
  static void install() throws Exception {
    Node.install();
  }

  private static EmbeddingEngine engine(String model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(model).open();
  }

  private static LucioleServer serve(EmbeddingEngine engine, ServerConfig config) {
    return LucioleServer.start(config.at("127.0.0.1", 0), engine);
  }

  @Test
  void npmsOpenAi_getsTheLibrarysVectors() throws Exception {
    try (EmbeddingEngine engine = engine("starter");
        LucioleServer server = serve(engine, ServerConfig.defaults())) {
      String text = "Fireflies glow at night: 大阪, 🐝.";
      float[] expected = engine.embed(text, EmbedOptions.passage()).join().dense();
      Path file = folder.resolve("expected.json");
      Files.writeString(
          file, "{\"text\":\"" + text + "\",\"embedding\":" + Arrays.toString(expected) + "}");
      String output = Node.run("node", "openai.mjs", server.uri() + "v1", file.toString());
      assertThat(output).contains("openai: equal");
    }
  }

  @Test
  void npmsOtherClients_getTheLibrarysVectors() throws Exception {
    try (EmbeddingEngine engine = engine("starter");
        LucioleServer server = serve(engine, ServerConfig.defaults())) {
      Path file = Expected.write(engine, folder.resolve("expected.json"));
      String output = Node.run("node", "clients.mjs", server.uri().toString(), file.toString());
      assertThat(output.lines().filter(line -> line.endsWith(": equal")))
          .as(output)
          .extracting(line -> line.substring(0, line.indexOf(':')))
          .containsExactly(
              "@langchain/openai",
              "@huggingface/inference",
              "cohere-ai, version 1",
              "cohere-ai, version 2",
              "@langchain/cohere",
              "voyageai",
              "@chroma-core/openai",
              "@chroma-core/huggingface-server");
    }
  }

  @Test
  void npmsOpenAi_inABrowser_getsTheLibrarysVectors() throws Exception {
    String chromium = Node.chromium();
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.cors-origins", "*")));
    try (EmbeddingEngine engine = engine("starter");
        LucioleServer server = serve(engine, config)) {
      Path file = Expected.write(engine, folder.resolve("expected.json"));
      String output =
          Node.run("node", "browser.mjs", chromium, server.uri() + "v1", file.toString());
      assertThat(output).contains("openai in a browser: equal");
    }
  }

  @Test
  void redocly_findsNothingInTheOpenApiDocument() throws Exception {
    Path document = folder.resolve("openapi.json");
    try (var in = LucioleServer.class.getResourceAsStream("openapi.json")) {
      Files.copy(in, document);
    }
    String output =
        Node.run(
            Node.WORK.resolve("node_modules/.bin/redocly").toString(),
            "lint",
            "--extends=recommended-strict",
            document.toString());
    assertThat(output).contains("is valid");
  }
}
