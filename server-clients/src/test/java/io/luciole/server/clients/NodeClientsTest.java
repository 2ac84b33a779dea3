package io.luciole.server.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.HybridIndexer;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that run on Node, and the page and npm's openai in headless Chromium. Skipped, with the
 * reason, where there is no Node or no Chromium ({@code CHROMIUM} names one that is not on the
 * path).
 */
@Tag("node")
@Timeout(600)
class NodeClientsTest {
  private static final Path SCRIPTS = Path.of("src/test/js").toAbsolutePath();
  private static final Path WORK = Path.of("target/node").toAbsolutePath();

  @TempDir Path folder;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue(
        Programs.onPath("node").isPresent() && Programs.onPath("npm").isPresent(),
        "no node and npm here");
    Files.createDirectories(WORK);
    try (Stream<Path> files = Files.list(SCRIPTS)) {
      for (Path file : files.toList()) {
        Files.copy(
            file,
            WORK.resolve(file.getFileName()),
            java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      }
    }
    run(List.of("npm", "install", "--no-audit", "--no-fund", "--loglevel=error"));
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    return Programs.run(WORK, command);
  }

  private static EmbeddingEngine engine(String model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(model).open();
  }

  private static Optional<Path> chromium() {
    String named = System.getenv("CHROMIUM");
    return named != null
        ? Optional.of(Path.of(named))
        : Programs.onPath("chromium", "chromium-browser", "google-chrome");
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
      String output = run(List.of("node", "openai.mjs", server.uri() + "v1", file.toString()));
      assertThat(output).contains("openai: equal");
    }
  }

  @Test
  void npmsOtherClients_getTheLibrarysVectors() throws Exception {
    try (EmbeddingEngine engine = engine("starter");
        LucioleServer server = serve(engine, ServerConfig.defaults())) {
      Path file = Expected.write(engine, folder.resolve("expected.json"));
      String output = run(List.of("node", "clients.mjs", server.uri().toString(), file.toString()));
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
    Optional<Path> chromium = chromium();
    assumeTrue(chromium.isPresent(), "no Chromium here: the client is not tested in a browser");
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.cors-origins", "*")));
    try (EmbeddingEngine engine = engine("starter");
        LucioleServer server = serve(engine, config)) {
      Path file = Expected.write(engine, folder.resolve("expected.json"));
      String output =
          run(
              List.of(
                  "node",
                  "browser.mjs",
                  chromium.get().toString(),
                  server.uri() + "v1",
                  file.toString()));
      assertThat(output).contains("openai in a browser: equal");
    }
  }

  @Test
  void thePage_searchesReordersAndShowsMatches() throws Exception {
    Optional<Path> chromium = chromium();
    assumeTrue(chromium.isPresent(), "no Chromium here: the page is not tested");
    List<String> command = new ArrayList<>(List.of("node", "page.mjs"));
    try (EmbeddingEngine starter = engine("starter");
        EmbeddingEngine mini =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
                .model(io.luciole.model.ModelSource.path(MiniM3.unpack(folder)))
                .open()) {
      index(starter, folder.resolve("starter"));
      index(mini, folder.resolve("mini"));
      try (LucioleServer first =
              LucioleServer.start(
                  ServerConfig.defaults().at("127.0.0.1", 0).index(folder.resolve("starter")),
                  starter);
          LucioleServer second =
              LucioleServer.start(
                  ServerConfig.defaults().at("127.0.0.1", 0).index(folder.resolve("mini")), mini)) {
        command.addAll(
            List.of(
                chromium.orElseThrow().toString(),
                first.uri().toString(),
                second.uri().toString(),
                Files.createDirectories(WORK.resolve("screenshots")).toString()));
        String output = run(command);
        System.out.println(output);
        assertThat(output).contains("page: all passed");
      }
    }
  }

  private static void index(EmbeddingEngine engine, Path index) {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      assertThat(
              indexer
                  .indexAll(
                      BeirReader.corpus(Path.of("../examples/corpus/corpus.jsonl")), progress -> {})
                  .added())
          .isPositive();
    }
  }
}
