package io.luciole.server.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.WriteOptions;
import io.luciole.model.ModelSource;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that run on Node: npm's openai, redocly's linter, and the page in headless Chromium.
 * Skipped, with the reason, where there is no Node or no Chromium ({@code CHROMIUM} names one that
 * is not on the path).
 */
@Tag("node")
@Timeout(600)
class NodeClientsTest {
  private static final Path SCRIPTS = Path.of("src/test/js").toAbsolutePath();
  private static final Path WORK = Path.of("target/node").toAbsolutePath();

  @TempDir Path folder;

  @BeforeAll
  static void install() throws Exception {
    assumeTrue(onPath("node").isPresent() && onPath("npm").isPresent(), "no node and npm here");
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

  private static Optional<Path> onPath(String... names) {
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Arrays.stream(names)
        .flatMap(name ->
            Arrays.stream(path.split(java.io.File.pathSeparator, -1))
                .map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(WORK.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }

  private static EmbeddingEngine engine(String model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(model).open();
  }

  @Test
  void npmsOpenAi_getsTheLibrarysVectors() throws Exception {
    try (EmbeddingEngine engine = engine("starter");
        LucioleServer server =
            LucioleServer.start(ServerConfig.defaults().at("127.0.0.1", 0), engine)) {
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
  void redocly_findsNothingInTheOpenApiDocument() throws Exception {
    Path document = folder.resolve("openapi.json");
    try (var in = LucioleServer.class.getResourceAsStream("openapi.json")) {
      Files.copy(in, document);
    }
    String output =
        run(
            List.of(
                WORK.resolve("node_modules/.bin/redocly").toString(),
                "lint",
                "--extends=recommended-strict",
                document.toString()));
    assertThat(output).contains("is valid");
  }

  private static String chromium() {
    Optional<Path> chromium =
        Optional.ofNullable(System.getenv("CHROMIUM"))
            .map(Path::of)
            .or(() -> onPath("chromium", "chromium-browser", "google-chrome"));
    assumeTrue(chromium.isPresent(), "no Chromium here: the page is not tested");
    return chromium.orElseThrow().toString();
  }

  /** Where a script may leave pictures of the page. */
  private static String screenshots() throws IOException {
    return Files.createDirectories(WORK.resolve("screenshots")).toString();
  }

  private LucioleServer serve(EmbeddingEngine engine, String index, SchemaBuilder schema) {
    return serve(engine, index, schema, Map.of());
  }

  private LucioleServer serve(
      EmbeddingEngine engine, String index, SchemaBuilder schema, Map<String, String> settings) {
    Path at = folder.resolve(index);
    index(engine, at, schema.build());
    return LucioleServer.start(
        ServerConfig.of(LucioleConfig.of(settings)).at("127.0.0.1", 0).index(at), engine);
  }

  @Test
  void thePage_searchesReordersAndShowsMatches() throws Exception {
    String chromium = chromium();
    try (EmbeddingEngine starter = engine("starter");
        EmbeddingEngine mini = miniM3();
        LucioleServer first = serve(starter, "starter", HybridSchema.builder(starter));
        LucioleServer second = serve(mini, "mini", HybridSchema.builder(mini))) {
      String output =
          run(
              List.of(
                  "node",
                  "page.mjs",
                  chromium,
                  first.uri().toString(),
                  second.uri().toString(),
                  screenshots()));
      System.out.println(output);
      assertThat(output).contains("page: all passed");
    }
  }

  @Test
  void thePage_pagesFiltersFailsAndAsksForKeys_andIsAccessible() throws Exception {
    String chromium = chromium();
    Path keys =
        Files.writeString(
            folder.resolve("keys"),
            "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b user search\n");
    try (EmbeddingEngine starter = engine("starter");
        EmbeddingEngine mini = miniM3();
        LucioleServer typed = serve(starter, "typed", withTypes(HybridSchema.builder(starter)));
        LucioleServer colbert =
            serve(
                mini,
                "colbert",
                withTypes(HybridSchema.builder(mini)).multiVectors(MultiVectorForm.INT8));
        LucioleServer keyed =
            serve(
                starter,
                "keyed",
                HybridSchema.builder(starter),
                Map.of("luciole.server.key-file", keys.toString()))) {
      String output =
          run(
              List.of(
                  "node",
                  "page-states.mjs",
                  chromium,
                  typed.uri().toString(),
                  colbert.uri().toString(),
                  keyed.uri().toString(),
                  screenshots()));
      System.out.println(output);
      assertThat(output).contains("page states: all passed");
    }
  }

  private EmbeddingEngine miniM3() throws IOException {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(ModelSource.path(MiniM3.unpack(folder)))
        .open();
  }

  private static SchemaBuilder withTypes(SchemaBuilder schema) {
    return schema.metadata("lang", MetadataType.KEYWORD).metadata("topic", MetadataType.KEYWORD);
  }

  private static void index(EmbeddingEngine engine, Path index, HybridSchema schema) {
    WriteOptions options = WriteOptions.defaults().schema(schema);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      assertThat(
              indexer
                  .indexAll(
                      BeirReader.corpus(Path.of("../examples/corpus/corpus.jsonl")), progress -> {})
                  .added())
          .isPositive();
    }
  }
}
