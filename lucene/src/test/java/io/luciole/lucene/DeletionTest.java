package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Deletions, and what putting and deleting say of what was there. */
@Timeout(60)
@Tag("lucene-10.4")
class DeletionTest {
  private static final String SOFT_DELETES = "gone";

  @TempDir private Path index;
  private final FakeModel model = new FakeModel(Output.DENSE, Output.SPARSE);
  private final EmbeddingEngine engine = model.open();

  @AfterEach
  void close() {
    engine.close();
  }

  private WriteOptions options(boolean chunked, boolean soft) {
    SchemaBuilder schema = HybridSchema.builder(engine);
    WriteOptions options =
        WriteOptions.defaults().schema((chunked ? schema.chunks(16, 2) : schema).build());
    return soft
        ? options.writerConfig(config -> config.setSoftDeletesField(SOFT_DELETES))
        : options;
  }

  private static SourceDocument document(String id, String group) {
    String text = new Texts(id.hashCode()).text(40);
    return new SourceDocument(id, "", text, Map.of("group", group));
  }

  private List<String> found(HybridIndexer indexer) {
    try (HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
      Query any =
          new BooleanQuery.Builder()
              .add(HybridQuery.metadata("group", "x"), Occur.SHOULD)
              .add(HybridQuery.metadata("group", "y"), Occur.SHOULD)
              .build();
      return searcher
          .search(HybridQuery.of("firefly").legs(Leg.DENSE).filter(any).top(100))
          .hits()
          .stream()
          .map(Hit::id)
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void deletions_takeDocumentsWithTheirPassages(boolean chunked, boolean soft) {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options(chunked, soft))) {
      for (String id : List.of("a", "b", "c", "d", "e")) {
        indexer.put(document(id, id.compareTo("c") < 0 ? "x" : "y")).join();
      }
      assertThat(indexer.delete("c")).isTrue();
      assertThat(found(indexer)).containsExactly("a", "b", "d", "e");
      assertThat(indexer.delete(HybridQuery.metadata("group", "x"))).isEqualTo(2);
      assertThat(found(indexer)).containsExactly("d", "e");
      assertThat(indexer.delete(List.of("d", "a", "nobody"))).isEqualTo(1);
      assertThat(found(indexer)).containsExactly("e");
      assertThat(indexer.put(document("e", "y")).join()).isTrue();
    }
    // Softly deleted documents stay deleted for whoever opens the index by its folder.
    IndexDescription description = IndexDescription.read(index);
    assertThat(description.documents()).isEqualTo(1);
    assertThat(description.passages() > 0).isEqualTo(chunked);
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(searcher.documents()).isEqualTo(1);
      assertThat(searcher.search("firefly").hits()).extracting(Hit::id).containsOnly("e");
    }
    try (HybridIndexer again = HybridIndexer.open(index, engine, options(chunked, soft))) {
      assertThat(again.delete(MatchAllDocsQuery.INSTANCE)).isEqualTo(1);
      assertThat(found(again)).isEmpty();
    }
    assertThat(IndexDescription.read(index).documents()).isZero();
  }

  @Test
  void putAndDelete_sayWhatWasThere() {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      assertThat(indexer.delete("a")).isFalse();
      assertThat(indexer.put(document("a", "x")).join()).isFalse();
      assertThat(indexer.put(document("a", "x")).join()).isTrue();
      assertThat(indexer.delete("a")).isTrue();
      assertThat(indexer.delete("a")).isFalse();
      assertThat(indexer.put(document("a", "x")).join()).isFalse();
      indexer.commit();
      assertThat(indexer.put(document("b", "x")).join()).isFalse();
    }
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      assertThat(indexer.put(document("a", "x")).join()).isTrue();
      assertThat(indexer.delete("b")).isTrue();
      assertThat(indexer.delete("b")).isFalse();
      assertThat(indexer.put(document("b", "x")).join()).isFalse();
      assertThat(found(indexer)).containsExactly("a", "b");
    }
  }

  /** A document that failed is not there, though its id was seen. */
  @Test
  void putThatFailed_isNotSaidToBeThere() {
    WriteOptions options =
        WriteOptions.defaults()
            .fields((source, document) -> {
              if (source.title().equals("bad")) {
                throw new IllegalStateException("the hook dislikes it");
              }
            });
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      CompletableFuture<Boolean> bad = indexer.put(SourceDocument.of("a", "bad", "x"));
      assertThat(bad.handle((replaced, failure) -> failure).join()).isNotNull();
      assertThat(indexer.delete("a")).isFalse();
      assertThat(indexer.put(SourceDocument.of("a", "good", "x")).join()).isFalse();
    }
  }

  /** The texts stand before the device while a delete is asked for. */
  @Test
  void deleteAfterAPutThatIsNotEmbeddedYet_wins() throws InterruptedException {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    model.beforeRun(batch -> {
      running.countDown();
      try {
        go.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      List<CompletableFuture<Boolean>> before =
          List.of(indexer.put(document("a", "x")), indexer.put(document("b", "y")));
      running.await();
      CompletableFuture<Long> deleted =
          CompletableFuture.supplyAsync(
              () -> indexer.delete(HybridQuery.metadata("group", "x")),
              task -> {
                Thread thread = new Thread(task);
                thread.start();
              });
      assertThat(before).noneMatch(CompletableFuture::isDone);
      go.countDown();
      assertThat(deleted.join()).isEqualTo(1);
      assertThat(before).allMatch(CompletableFuture::isDone);
      assertThat(indexer.put(document("c", "x")).join()).isFalse();
      assertThat(found(indexer)).containsExactly("b", "c");
    }
  }
}
