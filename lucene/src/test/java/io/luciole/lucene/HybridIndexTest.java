package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.spi.BackendException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Indexing: what stays, what is refused, what is counted. */
class HybridIndexTest {
  @TempDir Path folder;
  private Path index;
  private EmbeddingEngine engine;
  private FakeModel model;

  @BeforeEach
  void open() {
    index = folder.resolve("some/index");
    model = new FakeModel(Output.DENSE, Output.SPARSE);
    engine = model.open();
  }

  @AfterEach
  void close() {
    engine.close();
  }

  private IndexingReport indexAll(List<SourceDocument> documents, WriteOptions options) {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      return indexer.indexAll(documents.iterator(), progress -> {});
    }
  }

  private IndexingReport indexAll(List<SourceDocument> documents) {
    return indexAll(documents, WriteOptions.defaults());
  }

  private static List<String> ids(SearchResult result) {
    return result.hits().stream().map(Hit::id).toList();
  }

  @Test
  void documents_indexed_areFoundByEveryLeg() {
    List<SourceDocument> documents = new Texts(1).documents(50);
    SourceDocument wanted =
        new SourceDocument("w", "Fireflies", "glow at night", Map.of("lang", "en", "year", "1999"));
    documents.add(17, wanted);
    List<IndexingProgress> progress = new ArrayList<>();
    IndexingReport report;
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      report = indexer.indexAll(documents.iterator(), progress::add);
    }
    assertThat(report.added()).isEqualTo(51);
    assertThat(report.updated() + report.failed() + report.skipped()).isZero();
    assertThat(report.tokens()).isGreaterThan(51 * 5);
    assertThat(progress.get(progress.size() - 1).documents()).isEqualTo(51);

    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(searcher.documents()).isEqualTo(51);
      assertThat(searcher.legs()).containsExactly(Leg.DENSE, Leg.SPARSE, Leg.BM25);
      SearchResult result =
          searcher.search(HybridQuery.of("Fireflies glow at night").fusion(Fusion.rrf()));
      Hit hit = result.hits().get(0);
      assertThat(hit.id()).isEqualTo("w");
      assertThat(hit.title()).isEqualTo("Fireflies");
      assertThat(hit.text()).isEqualTo("glow at night");
      assertThat(hit.metadata()).isEqualTo(wanted.metadata());
      assertThat(hit.legs().values()).allMatch(score -> score.rank() == 1).hasSize(3);
      assertThat(hit.score()).isEqualTo((float) (3.0 / 61));
      assertThat(hit.explain().toString()).contains("dense, rank 1", "sparse", "bm25", "rrf:60");
      assertThat(result.hits()).hasSize(10).isSortedAccordingTo((a, b) -> a.rank() - b.rank());
      assertThat(result.tokens()).isPositive();
    }
    try (HybridSearcher words = HybridSearcher.open(index)) {
      assertThat(words.legs()).containsExactly(Leg.BM25);
      assertThat(ids(words.search(HybridQuery.of("fireflies").top(100)))).contains("w");
      assertThatThrownBy(() -> words.search(HybridQuery.of("x").legs(Leg.DENSE)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("mini-m3");
    }
  }

  @Test
  void schema_isReadBackFromTheCommit() {
    HybridSchema schema =
        HybridSchema.builder(engine)
            .analyzer("en")
            .sparseScale(512)
            .quantization(DenseQuantization.BITS_8)
            .bm25(0.9f, 0.4f)
            .metadata("year", MetadataType.LONG)
            .build();
    indexAll(new Texts(2).documents(20), WriteOptions.defaults().schema(schema));

    IndexDescription description = IndexDescription.read(index);
    assertThat(description.schema()).isEqualTo(schema).hasSameHashCodeAs(schema);
    assertThat(description.schema().words().k1()).isEqualTo(0.9f);
    assertThat(description.documents()).isEqualTo(20);
    assertThat(description.complete()).isTrue();
    assertThat(description.fingerprint().matches(engine.fingerprint())).isTrue();
    assertThat(description.bytes())
        .isPositive()
        .isEqualTo(description.parts().values().stream().mapToLong(Long::longValue).sum());
    assertThat(description.parts())
        .containsKeys(
            "vectors of dense: as given",
            "vectors of dense: quantised",
            "vectors of dense: graph",
            "postings of sparse",
            "postings of words",
            "values of sparse.exact")
        .containsKey("stored texts");
    // Opened again without a schema it keeps its own; with another it is refused.
    indexAll(new Texts(3).documents(1));
    assertThatThrownBy(() ->
            indexAll(List.of(), WriteOptions.defaults().schema(HybridSchema.forEngine(engine))))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("has the schema");
  }

  @Test
  void duplicateIds_updateAndAreCounted() {
    List<SourceDocument> documents = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      documents.add(SourceDocument.of("same", "", "version" + i));
      documents.add(SourceDocument.of("d" + i, "", "other"));
    }
    IndexingReport report = indexAll(documents);
    assertThat(report.added()).isEqualTo(301);
    assertThat(report.updated()).isEqualTo(299);
    try (HybridSearcher searcher = HybridSearcher.open(index)) {
      assertThat(searcher.documents()).isEqualTo(301);
      assertThat(ids(searcher.search("version299"))).containsExactly("same");
      assertThat(ids(searcher.search("version298"))).isEmpty();
    }
    IndexingReport again = indexAll(documents.subList(0, 2));
    assertThat(again.added()).isZero();
    assertThat(again.updated()).isEqualTo(2);
    assertThat(IndexDescription.read(index).documents()).isEqualTo(301);
  }

  @Test
  void putDeleteAndRefresh_areSeenNearRealTime() {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      assertThat(indexer.put(SourceDocument.of("a", "", "alpha")).join()).isFalse();
      try (HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
        assertThat(ids(searcher.search("alpha"))).contains("a");
        assertThat(indexer.put(SourceDocument.of("a", "", "beta")).join()).isTrue();
        var unused = indexer.put(SourceDocument.of("b", "", "gamma"));
        indexer.delete("b");
        assertThat(searcher.search("alpha").leg(Leg.BM25)).hasSize(1);
        assertThat(searcher.refresh()).isTrue();
        // Lucene may drop the emptied segments first.
        await().atMost(Duration.ofMinutes(1)).until(() -> !searcher.refresh());
        assertThat(searcher.search("alpha").leg(Leg.BM25)).isEmpty();
        assertThat(searcher.documents()).isEqualTo(1);
      }
      indexer.commit();
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void failingDocument_stopsOrIsSkippedByPolicy() {
    int bad = engine.tokenize("microwave", Role.PASSAGE).ids()[1];
    model.beforeRun(FakeModel.failOn(bad));
    List<SourceDocument> documents = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      documents.add(SourceDocument.of("d" + i, "", i == 7 ? "microwave" : "salt " + i));
    }
    assertThatThrownBy(() -> indexAll(documents))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("Document \"d7\" failed: the device dislikes token");
    assertThat(folder).isEmptyDirectory();

    IndexingReport report =
        indexAll(documents, WriteOptions.defaults().onFailure(WriteOptions.OnFailure.SKIP));
    assertThat(report.added()).isEqualTo(39);
    assertThat(report.failed()).isEqualTo(1);
    assertThat(report.failures()).extracting(IndexingReport.Failure::id).containsExactly("d7");
    assertThat(IndexDescription.read(index).documents()).isEqualTo(39);
  }

  @Test
  void allDocumentsFailing_isAFailureEvenIfSkipped() {
    model.beforeRun(batch -> {
      throw new BackendException("no device");
    });
    assertThatThrownBy(() ->
            indexAll(
                new Texts(1).documents(3),
                WriteOptions.defaults().onFailure(WriteOptions.OnFailure.SKIP)))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("None of 3 documents")
        .hasMessageContaining("no device");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void put_ofABadDocument_failsItsFutureAlone() {
    HybridSchema schema = HybridSchema.builder(engine).metadata("year", MetadataType.LONG).build();
    try (HybridIndexer indexer =
        HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema))) {
      var bad = indexer.put(new SourceDocument("a", "", "x", Map.of("year", "soon")));
      assertThatThrownBy(bad::join)
          .isInstanceOf(CompletionException.class)
          .hasMessageContaining("expected a whole number as metadata \"year\", got \"soon\"");
      var longId = indexer.put(SourceDocument.of("x".repeat(40_000), "", "x"));
      assertThatThrownBy(longId::join).hasMessageContaining("id of at most");
      indexer.put(SourceDocument.of("b", "", "fine")).join();
      indexer.commit();
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void emptyTextAndVeryLongText_areIndexed() {
    String longText = new Texts(4).text(200_000);
    IndexingReport report =
        indexAll(
            List.of(SourceDocument.of("empty", "", ""), SourceDocument.of("long", "", longText)));
    assertThat(report.added()).isEqualTo(2);
    assertThat(report.truncated()).isEqualTo(1);
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      SearchResult result = searcher.search("");
      assertThat(result.leg(Leg.SPARSE)).isEmpty();
      assertThat(result.leg(Leg.BM25)).isEmpty();
      assertThat(result.leg(Leg.DENSE).get(0).id()).isEqualTo("empty");
    }
  }

  @Test
  void otherModel_isRefusedNamingBoth() throws IOException {
    indexAll(new Texts(1).documents(3));
    Path other = folder.resolve("other-model");
    Files.createDirectories(other);
    try (var files = Files.list(FakeModel.MINI_M3)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, other.resolve(file.getFileName()));
      }
    }
    Path weights = other.resolve("colbert_linear.pt");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length / 2] ^= 1;
    Files.write(weights, bytes);
    try (EmbeddingEngine wrong = new FakeModel(Output.DENSE, Output.SPARSE).open(other)) {
      assertThatThrownBy(() -> HybridSearcher.open(index, wrong))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining(engine.fingerprint().brief())
          .hasMessageContaining(wrong.fingerprint().brief());
      assertThatThrownBy(() -> HybridIndexer.open(index, wrong))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining(engine.fingerprint().brief())
          .hasMessageContaining(wrong.fingerprint().brief());
      try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
        assertThatThrownBy(() -> HybridSearcher.open(indexer, wrong))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining(wrong.fingerprint().brief());
      }
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(3);
  }

  @Test
  void folderThatIsNoIndex_isRefusedAndLeftAlone() throws IOException {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> HybridSearcher.open(missing)).hasMessageContaining("found nothing");
    assertThat(missing).doesNotExist();
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThatThrownBy(() -> HybridSearcher.open(empty)).hasMessageContaining("an empty folder");
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(() -> HybridSearcher.open(file)).hasMessageContaining("a file");
    assertThatThrownBy(() -> HybridIndexer.open(file, engine)).hasMessageContaining("the file");
    Path full = Files.createDirectory(folder.resolve("full"));
    Files.writeString(full.resolve("thesis.txt"), "x");
    assertThatThrownBy(() -> HybridSearcher.open(full))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("Expected a Lucene index written by Luciole")
        .hasMessageContaining("thesis.txt");
    assertThatThrownBy(() -> HybridIndexer.open(full, engine))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("thesis.txt");
    assertThat(full.resolve("thesis.txt")).hasContent("x");
    assertThat(full.resolve("write.lock")).doesNotExist();
    assertThat(empty).isEmptyDirectory();
  }

  @Test
  void foreignLuceneIndex_isRefusedAndLeftAlone() throws IOException {
    try (FSDirectory directory = FSDirectory.open(index);
        IndexWriter writer =
            new IndexWriter(directory, new IndexWriterConfig(new StandardAnalyzer()))) {
      writer.addDocument(new Document());
      writer.commit();
    }
    assertThatThrownBy(() -> HybridSearcher.open(index))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("a Lucene index that something else wrote");
    assertThatThrownBy(() -> HybridIndexer.open(index, engine))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("a Lucene index that something else wrote");
    assertThat(index.resolve("segments_1")).exists();
  }

  @Test
  void newerVersion_isRefusedInWords() throws IOException {
    indexAll(new Texts(1).documents(3));
    try (FSDirectory directory = FSDirectory.open(index);
        IndexWriter writer =
            new IndexWriter(directory, new IndexWriterConfig(new StandardAnalyzer()))) {
      writer.setLiveCommitData(Map.of("luciole.version", "3").entrySet());
      writer.commit();
    }
    assertThatThrownBy(() -> HybridSearcher.open(index, engine))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("version 3")
        .hasMessageContaining("Use a newer Luciole");
    assertThatThrownBy(() -> HybridIndexer.open(index, engine))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("version 3");
  }

  @Test
  void damagedIndex_isRefusedInWords() throws IOException {
    indexAll(new Texts(1).documents(30));
    List<Path> files;
    try (var listed = Files.list(index)) {
      files = listed.filter(f -> !f.endsWith("write.lock")).sorted().toList();
    }
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
      assertThatThrownBy(() -> HybridSearcher.open(index, engine))
          .as("half of %s", file.getFileName())
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("damaged");
      assertThatThrownBy(() -> HybridIndexer.open(index, engine))
          .as("half of %s", file.getFileName())
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("damaged");
      Files.write(file, bytes);
    }
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(searcher.documents()).isEqualTo(30);
    }
  }

  @Test
  void secondIndexer_isRefusedWhileTheFirstIsOpen() {
    try (HybridIndexer first = HybridIndexer.open(index, engine)) {
      assertThatThrownBy(() -> HybridIndexer.open(index, engine))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("writes to the index");
      first.put(SourceDocument.of("a", "", "x")).join();
      first.commit();
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void closedIndexerAndSearcher_refuse() {
    HybridIndexer indexer = HybridIndexer.open(index, engine);
    indexer.commit();
    indexer.close();
    indexer.close();
    assertThatThrownBy(() -> indexer.put(SourceDocument.of("a", "", "x")))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(indexer::commit).isInstanceOf(IllegalStateException.class);
    HybridSearcher searcher = HybridSearcher.open(index, engine);
    searcher.close();
    searcher.close();
    assertThatThrownBy(() -> searcher.search("x"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(searcher::documents).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(searcher::refresh).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closedEngine_endsTheRunAndLeavesNothing() {
    engine.close();
    assertThatThrownBy(() -> indexAll(new Texts(1).documents(5)))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("engine was closed");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void metadataThatIsTooLongForATerm_leavesTheIndexOpenToOthers() {
    Map<String, String> lengthy = Map.of("k", "x".repeat(300));
    indexAll(
        List.of(
            new SourceDocument("1", "", "t", lengthy),
            new SourceDocument("2", "", "t", Map.of("k", "y"))));
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      SearchResult all = searcher.search("t");
      assertThat(all.hits()).hasSize(2).anyMatch(hit -> hit.metadata().asMap().equals(lengthy));
      HybridQuery query = HybridQuery.of("t").filter(HybridQuery.metadata("k", "y"));
      assertThat(searcher.search(query).hits()).extracting(Hit::id).containsExactly("2");
    }
  }

  @Test
  void badLine_stopsTheRunWithItsNumber() throws IOException {
    Path corpus =
        Files.writeString(
            folder.resolve("c.jsonl"), "{\"_id\":\"1\",\"text\":\"x\"}\n{\"_id\":\"2\"}\n");
    try (DocumentSource source = BeirReader.corpus(corpus);
        HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      assertThatThrownBy(() -> indexer.indexAll(source, progress -> {}))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("c.jsonl, line 2: expected \"text\"");
      assertThatThrownBy(indexer::commit).isInstanceOf(IndexException.class);
    }
    assertThat(index).doesNotExist();
    try (DocumentSource source = BeirReader.corpus(corpus);
        HybridIndexer indexer =
            HybridIndexer.open(
                index, engine, WriteOptions.defaults().onFailure(WriteOptions.OnFailure.SKIP))) {
      IndexingReport report = indexer.indexAll(source, progress -> {});
      assertThat(report.added()).isEqualTo(1);
      assertThat(report.failures()).hasSize(1);
    }
  }
}
