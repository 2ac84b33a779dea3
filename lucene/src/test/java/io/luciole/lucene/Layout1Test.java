package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.lucene.search.Query;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An index of layout 1, written by the last build that wrote such. */
class Layout1Test {
  @TempDir Path index;
  private final EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();

  @BeforeEach
  void unpack() throws IOException {
    try (InputStream in = Files.newInputStream(Layout1Index.FOLDER.resolve("index.zip"));
        ZipInputStream zip = new ZipInputStream(in)) {
      for (ZipEntry file = zip.getNextEntry(); file != null; file = zip.getNextEntry()) {
        Files.copy(zip, index.resolve(file.getName()));
      }
    }
  }

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private static List<String> expected() throws IOException {
    return Files.readAllLines(Layout1Index.FOLDER.resolve("found.txt"));
  }

  private static List<String> ids(HybridSearcher searcher, Query filter) {
    return searcher.search(HybridQuery.of("firefly").filter(filter).top(100)).hits().stream()
        .map(Hit::id)
        .sorted()
        .toList();
  }

  @Test
  void oldIndex_findsWhatItFound() throws IOException {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(Layout1Index.found(searcher)).isEqualTo(expected());
      Hit first = searcher.search(HybridQuery.of("Title 1").legs(Leg.BM25).top(1)).hits().get(0);
      assertThat(first.id()).isEqualTo("d1");
      assertThat(first.metadata().asMap())
          .containsEntry("year", "1991")
          .containsEntry("tags", "[\"a\",\"b\"]")
          .containsEntry("n", "1E+1");
    }
  }

  @Test
  void filtersOfAnOldIndex_compareByValueOrAreRefused() {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      MetadataFilters filters = MetadataFilters.of(searcher.schema());
      assertThat(ids(searcher, filters.parse("{\"lang\":\"en\",\"year\":{\"lt\":1995}}")))
          .containsExactly("d0", "d3");
      assertThat(ids(searcher, filters.parse("{\"price\":10}"))).containsExactly("d4");
      assertThat(ids(searcher, filters.parse("{\"n\":10}"))).containsExactly("d1");
      assertThat(ids(searcher, filters.parse("{\"flag\":true,\"year\":1990}")))
          .containsExactly("d0");
      assertThat(ids(searcher, filters.parse("{\"year\":{\"exists\":false}}")))
          .containsExactly("d7");
      for (String unknown :
          List.of(
              "{\"lang\":{\"exists\":true}}",
              "{\"lang\":{\"prefix\":\"e\"}}",
              "{\"n\":{\"gt\":5}}",
              "{\"nested\":{\"k\":\"v\"}}",
              "{\"note\":\"" + "long ".repeat(80) + "\"}")) {
        assertThatThrownBy(() -> filters.parse(unknown))
            .isInstanceOf(MetadataFilterException.class)
            .hasMessageContaining("layout 1")
            .hasMessageContaining("index the documents anew");
      }
    }
  }

  @Test
  void newDocumentsOfAnOldIndex_areKeptAsTheOldOnes() throws IOException {
    HybridSchema asked = Layout1Index.schema(engine);
    try (HybridIndexer indexer =
            HybridIndexer.open(index, engine, WriteOptions.defaults().schema(asked));
        DocumentSource documents = BeirReader.corpus(Layout1Index.FOLDER.resolve("corpus.jsonl"))) {
      assertThat(indexer.schema().metadataLayout().version()).isEqualTo(1);
      documents.forEachRemaining(document -> indexer.put(document).join());
      Map<String, Object> metadata =
          Map.of("lang", "it", "year", 2000.0, "note", "x".repeat(300), "price", "");
      indexer.put(new SourceDocument("new", "", "firefly night", metadata)).join();
      indexer.commitMerged();
    }
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      MetadataFilters filters = MetadataFilters.of(searcher.schema());
      assertThat(ids(searcher, filters.parse("{\"lang\":\"it\",\"year\":2000}")))
          .containsExactly("new");
      assertThat(ids(searcher, HybridQuery.metadata("tags", "[\"a\",\"b\"]"))).hasSize(6);
      assertThat(ids(searcher, filters.parse("{\"n\":10}"))).containsExactly("d1");
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(13);
  }

  @Test
  void newIndex_isNotOfLayout1() {
    Path fresh = index.resolve("fresh");
    try (HybridIndexer indexer = HybridIndexer.open(fresh, engine)) {
      indexer.put(SourceDocument.of("a", "", "x")).join();
      indexer.commit();
    }
    HybridSchema schema = IndexDescription.read(fresh).schema();
    assertThat(schema.metadataLayout().version()).isEqualTo(2);
    assertThat(schema)
        .isEqualTo(HybridSchema.forEngine(engine))
        .isNotEqualTo(SchemaJson.read(schema.toString().replace("\"layout\":2,", "")));
  }
}
