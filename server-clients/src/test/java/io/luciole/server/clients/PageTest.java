package io.luciole.server.clients;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server's page in headless Chromium. Skipped, with the reason, where there is no Node or no
 * Chromium ({@code CHROMIUM} names one that is not on the path).
 */
@Tag("node")
@Timeout(600)
class PageTest {
  @TempDir Path folder;

  @BeforeAll
  static void install() throws Exception {
    Node.install();
  }

  private static EmbeddingEngine engine(String model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(model).open();
  }

  /** Where a script may leave pictures of the page. */
  private static String screenshots() throws IOException {
    return Files.createDirectories(Node.WORK.resolve("screenshots")).toString();
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
    String chromium = Node.chromium();
    try (EmbeddingEngine starter = engine("starter");
        EmbeddingEngine mini = miniM3();
        LucioleServer first = serve(starter, "starter", HybridSchema.builder(starter));
        LucioleServer second = serve(mini, "mini", HybridSchema.builder(mini))) {
      String output =
          Node.run(
              "node",
              "page.mjs",
              chromium,
              first.uri().toString(),
              second.uri().toString(),
              screenshots());
      System.out.println(output);
      assertThat(output).contains("page: all passed");
    }
  }

  @Test
  void thePage_pagesFiltersFailsAndAsksForKeys_andIsAccessible() throws Exception {
    String chromium = Node.chromium();
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
          Node.run(
              "node",
              "page-states.mjs",
              chromium,
              typed.uri().toString(),
              colbert.uri().toString(),
              keyed.uri().toString(),
              screenshots());
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
