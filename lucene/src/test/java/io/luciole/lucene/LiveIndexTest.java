package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An index that fails while it is in use, and comes back. */
@Timeout(300)
class LiveIndexTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final WriteOptions OPTIONS =
      WriteOptions.defaults()
          .commitEvery(ChronoUnit.FOREVER.getDuration())
          .onFailure(WriteOptions.OnFailure.SKIP);

  @TempDir private Path folder;
  private final AtomicLong room = new AtomicLong(Long.MAX_VALUE);
  private final EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();

  @AfterEach
  void close() {
    engine.close();
  }

  private Path index() {
    return folder.resolve("index");
  }

  private LiveIndex open(EmbeddingEngine by, WriteOptions options) {
    return LiveIndex.open(
        index(),
        () -> IndexFolder.open(index(), () -> new SmallDisk(FSDirectory.open(index()), room)),
        by,
        options,
        Duration.ofMillis(20));
  }

  private static SourceDocument document(String id) {
    return SourceDocument.of(id, "", "alpha beta");
  }

  private static void put(LiveIndex index, String... ids) {
    for (String id : ids) {
      index.put(document(id)).join();
    }
  }

  private static int documents(LiveIndex index) {
    return index.search(HybridSearcher::documents);
  }

  private static void awaitOpen(LiveIndex index) {
    await().atMost(PATIENCE).until(() -> index.health().problem().isEmpty());
  }

  @Test
  void fullDisk_isTold_andTheIndexComesBackAsOfItsLastCommit() {
    List<Long> told = new CopyOnWriteArrayList<>();
    try (LiveIndex index = open(engine, OPTIONS)) {
      index.addListener(
          new IndexListener() {
            @Override
            public void onFailure(IndexException reason, long lost) {
              told.add(lost);
            }
          });
      put(index, "a", "b");
      index.commit();
      put(index, "c", "d", "e");
      CompletableFuture<Void> committed = index.whenCommitted();
      room.set(0);
      assertThatThrownBy(index::commit)
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("The disk is full");
      assertThatThrownBy(() -> put(index, "f"))
          .isInstanceOf(IndexUnavailableException.class)
          .hasMessageContaining("The disk is full");
      assertThatThrownBy(committed::join).hasRootCauseMessage("No space left on device");
      assertThat(documents(index)).isGreaterThanOrEqualTo(2);
      await().atMost(PATIENCE).until(() -> index.health().lost() == 3);
      // Nothing is taken until there is room, however often it is tried.
      assertThat(index.health().problem()).hasValueSatisfying(p -> assertThat(p).contains("full"));
      assertThat(told).containsExactly(3L);

      room.set(Long.MAX_VALUE);
      awaitOpen(index);
      assertThat(documents(index)).isEqualTo(2);
      assertThat(index.health()).isEqualTo(new LiveIndex.Health(Optional.empty(), 1, 3));
      put(index, "c");
      index.commit();
      assertThat(documents(index)).isEqualTo(3);

      // It fails and comes back a second time, with the same listener.
      put(index, "d");
      room.set(0);
      assertThatThrownBy(index::commit).isInstanceOf(IndexException.class);
      room.set(Long.MAX_VALUE);
      awaitOpen(index);
      assertThat(told).containsExactly(3L, 1L);
      put(index, "e");
    }
    assertThat(IndexDescription.read(index()).documents()).isEqualTo(4);
  }

  @Test
  void diskWithHardlyAnyRoom_isNotTakenForUsable() {
    try (LiveIndex index = open(engine, OPTIONS)) {
      put(index, "a");
      room.set(0);
      assertThatThrownBy(index::commit).isInstanceOf(IndexException.class);
      // Pauses between tries double each time.
      for (int i = 0; i < 3; i++) {
        room.set(100_000);
        await().atMost(PATIENCE).until(() -> room.get() < 0);
        assertThat(index.health().problem()).isPresent();
      }
      room.set(Long.MAX_VALUE);
      awaitOpen(index);
    }
  }

  @Test
  void folderThatIsRemoved_isTold_andNotMadeAnew_butOpenedWhenItIsBack() throws IOException {
    try (LiveIndex index = open(engine, OPTIONS)) {
      put(index, "a", "b");
      index.commit();
      Path away = folder.resolve("away");
      Files.move(index(), away);
      assertThat(index.health().problem())
          .hasValueSatisfying(p -> assertThat(p).contains("is gone").contains(index().toString()));
      assertThatThrownBy(() -> put(index, "c")).isInstanceOf(IndexUnavailableException.class);
      assertThat(documents(index)).isEqualTo(2);
      await()
          .pollDelay(Duration.ofMillis(200))
          .atMost(PATIENCE)
          .until(() -> !Files.exists(index()) && index.health().problem().isPresent());
      Files.move(away, index());
      awaitOpen(index);
      put(index, "c");
      index.commit();
      assertThat(documents(index)).isEqualTo(3);
    }
  }

  /** As the end of a commit, which reads the folder after whoever waited for it was told. */
  @Test
  void folderThatIsRemoved_isToldByAWriteThatMeetsIt() throws IOException {
    try (LiveIndex index = open(engine, OPTIONS)) {
      put(index, "a");
      index.commit();
      put(index, "b");
      Files.move(index(), folder.resolve("away"));
      assertThatThrownBy(index::commit)
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("The index " + index() + " is gone: found no folder");
    }
  }

  @Test
  void searchThatCannotReadFiles_makesTheIndexBeOpenedAgain_withWhatWasWritten() {
    try (LiveIndex index = open(engine, OPTIONS)) {
      put(index, "a");
      LiveIndex.Search<Integer, IndexException> unreadable =
          searcher ->
              searcher.withSearcher(lucene -> {
                throw new CorruptIndexException("Input/output error", "a file");
              });
      assertThatThrownBy(() -> index.search(unreadable)).hasMessageContaining("Input/output");
      await().atMost(PATIENCE).until(() -> index.health().failures() == 1);
      awaitOpen(index);
      assertThat(documents(index)).isEqualTo(1);
      assertThat(index.health().lost()).isZero();
    }
  }

  /** A query that meets a disk that fails. */
  private static final class UnreadableQuery extends Query {
    @Override
    public Query rewrite(IndexSearcher searcher) throws IOException {
      throw new IOException("Input/output error");
    }

    @Override
    public void visit(QueryVisitor visitor) {}

    @Override
    public String toString(String field) {
      return "unreadable";
    }

    @Override
    public boolean equals(Object o) {
      return sameClassAs(o);
    }

    @Override
    public int hashCode() {
      return classHash();
    }
  }

  /** What the searcher itself cannot read is the index's, whatever kind of failure it is. */
  @Test
  void countThatCannotReadFiles_makesTheIndexBeOpenedAgain() {
    try (LiveIndex index = open(engine, OPTIONS)) {
      put(index, "a");
      assertThatThrownBy(() -> index.search(searcher -> searcher.count(new UnreadableQuery())))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("Input/output");
      await().atMost(PATIENCE).until(() -> index.health().failures() == 1);
      awaitOpen(index);
    }
  }

  @Test
  void failureOfACallersOwn_reachesTheCaller_andLeavesTheIndex() {
    try (LiveIndex index = open(engine, OPTIONS)) {
      put(index, "a");
      for (IOException own :
          List.of(
              new IOException("Broken pipe"),
              new EOFException("the client is gone"),
              new NoSuchFileException("report.csv"))) {
        LiveIndex.Search<Integer, RuntimeException> failing =
            searcher ->
                searcher.withSearcher(lucene -> {
                  throw own;
                });
        assertThatThrownBy(() -> index.search(failing))
            .isInstanceOf(UncheckedIOException.class)
            .hasCause(own);
      }
      IndexException another = new IndexException("another index", new IOException("damaged"));
      LiveIndex.Search<Integer, RuntimeException> ofAnother =
          searcher -> {
            throw another;
          };
      assertThatThrownBy(() -> index.search(ofAnother)).isEqualTo(another);
      assertThat(index.health()).isEqualTo(new LiveIndex.Health(Optional.empty(), 0, 0));
      put(index, "b");
    }
  }

  @Test
  void changeThatCanNeverSucceed_isNotToBeTriedAgain() {
    try (LiveIndex index = open(engine, OPTIONS)) {
      put(index, "a");
      index.commit();
      LiveIndex.Search<Long, RuntimeException> deletion =
          searcher -> {
            SearchResult result = searcher.search(HybridQuery.of("alpha").legs(Leg.BM25));
            return searcher.withSearcher(
                result,
                lucene ->
                    index.delete(new RankedDocsQuery(lucene.getIndexReader(), result.docs())));
          };
      assertThatThrownBy(() -> index.search(deletion))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("expected the view of the index");
      assertThat(index.health().failures()).isZero();
      assertThat(index.delete("a")).isTrue();
    }
  }

  @Test
  void failureInTheBackground_isTold() {
    try (HybridIndexer indexer = HybridIndexer.open(index(), engine, OPTIONS)) {
      assertThat(indexer.failure()).isEmpty();
      // As a merge that fails leaves it.
      assertThat(indexer.put(document("a"))).succeedsWithin(PATIENCE);
      assertThatCode(() -> indexer.folder().writer().rollback()).doesNotThrowAnyException();
      assertThat(indexer.failure()).isPresent();
    }
  }

  @Test
  void close_whileItIsBroken_endsTheRecovery() {
    LiveIndex index = open(engine, OPTIONS);
    put(index, "a");
    index.commit();
    put(index, "b");
    room.set(0);
    assertThatThrownBy(index::commit).isInstanceOf(IndexException.class);
    index.close();
    index.close();
    assertThatThrownBy(() -> documents(index))
        .isInstanceOf(IndexUnavailableException.class)
        .hasMessageContaining("is closed");
    assertThat(IndexDescription.read(index()).documents()).isEqualTo(1);
  }

  @Test
  void delete_leavesNothing_butFilesOfOthers() throws IOException {
    LiveIndex index = open(engine, OPTIONS);
    put(index, "a");
    index.delete();
    assertThat(index()).doesNotExist();
    LiveIndex other = open(engine, OPTIONS);
    Files.writeString(index().resolve("notes.txt"), "mine");
    other.delete();
    assertThat(index()).isDirectoryContaining(file -> file.endsWith("notes.txt"));
    assertThat(index().resolve("notes.txt")).hasContent("mine");
    assertThat(index()).isDirectoryNotContaining("glob:**segments*");
  }

  @Test
  void delete_leavesTheIndexToAnotherWriterThatCameMeanwhile() {
    HybridIndexer[] other = new HybridIndexer[1];
    LiveIndex index =
        LiveIndex.open(
            index(),
            () ->
                IndexFolder.open(
                    index(),
                    () ->
                        new FilterDirectory(FSDirectory.open(index())) {
                          @Override
                          public void close() throws IOException {
                            super.close();
                            other[0] = HybridIndexer.open(index(), engine, OPTIONS);
                          }
                        }),
            engine,
            OPTIONS,
            Duration.ofMillis(20));
    put(index, "a");
    index.commit();
    assertThatThrownBy(index::delete)
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("writes to the index");
    assertThat(other[0].put(document("b"))).succeedsWithin(PATIENCE);
    other[0].close();
    assertThat(IndexDescription.read(index()).documents()).isEqualTo(2);
  }

  /** Nobody searched between the commit and the failure, after which nothing is refreshed. */
  @Test
  void whatIsCommitted_isSeen_whileTheIndexIsBroken() throws InterruptedException {
    try (LiveIndex index = open(engine, OPTIONS.commitAfter(2))) {
      CountDownLatch committed = new CountDownLatch(1);
      index.addListener(
          new IndexListener() {
            @Override
            public void onCommit(Duration took) {
              committed.countDown();
            }
          });
      put(index, "a", "b");
      assertThat(committed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      put(index, "c");
      room.set(0);
      assertThatThrownBy(index::commit).isInstanceOf(IndexException.class);

      assertThat(documents(index)).isGreaterThanOrEqualTo(2);
      room.set(Long.MAX_VALUE);
      awaitOpen(index);
    }
  }

  @Test
  void commitAfter_commitsByNumber_andWhoWaitsIsTold() {
    try (LiveIndex index = open(engine, OPTIONS.commitAfter(3))) {
      put(index, "a", "b");
      CompletableFuture<Void> committed = index.whenCommitted();
      assertThat(committed).isNotDone();
      put(index, "c");
      assertThat(committed).succeedsWithin(PATIENCE);
      assertThat(IndexDescription.read(index()).documents()).isEqualTo(3);
      assertThat(index.whenCommitted()).isCompleted();
      assertThat(index.delete("a")).isTrue();
      assertThat(index.whenCommitted()).isNotDone();
      assertThat(index.delete("b")).isTrue();
      assertThat(index.delete("c")).isTrue();
      assertThat(index.whenCommitted()).succeedsWithin(PATIENCE);
      await().atMost(PATIENCE).until(() -> IndexDescription.read(index()).documents() == 0);
    }
  }

  @Test
  void commitEvery_doesNotWaitForDocumentsThatArePending() {
    CountDownLatch released = new CountDownLatch(1);
    FakeModel slow =
        new FakeModel(Output.DENSE, Output.SPARSE)
            .beforeRun(batch -> {
              if (batch.tokens() > 20) {
                await().atMost(PATIENCE).until(() -> released.getCount() == 0);
              }
            });
    try (EmbeddingEngine engineOfSlow = slow.open();
        LiveIndex index = open(engineOfSlow, OPTIONS.commitEvery(Duration.ofMillis(20)))) {
      put(index, "a");
      CompletableFuture<Boolean> pending =
          index.put(SourceDocument.of("long", "", "alpha ".repeat(40)));
      assertThat(index.whenCommitted()).succeedsWithin(PATIENCE);
      assertThat(IndexDescription.read(index()).documents()).isEqualTo(1);
      assertThat(pending).isNotDone();
      released.countDown();
      assertThat(pending).succeedsWithin(PATIENCE);
    } finally {
      released.countDown();
    }
  }

  @Test
  void whatIsUnderWay_whenTheIndexIsDeleted_isToldThatItIsClosed() {
    CountDownLatch released = new CountDownLatch(1);
    FakeModel slow =
        new FakeModel(Output.DENSE, Output.SPARSE)
            .beforeRun(batch -> {
              if (batch.tokens() > 20) {
                await().atMost(PATIENCE).until(() -> released.getCount() == 0);
              }
            });
    try (EmbeddingEngine engineOfSlow = slow.open();
        LiveIndex index = open(engineOfSlow, OPTIONS)) {
      put(index, "a");
      CompletableFuture<Void> committed = index.whenCommitted();
      CompletableFuture<Boolean> pending =
          index.put(SourceDocument.of("long", "", "alpha ".repeat(40)));
      CompletableFuture<Void> deletion = CompletableFuture.runAsync(index::delete);
      await().atMost(PATIENCE).until(() -> isClosed(index));
      released.countDown();
      assertThat(deletion).succeedsWithin(PATIENCE);
      assertClosed(committed);
      assertClosed(pending);
    } finally {
      released.countDown();
    }
  }

  private static boolean isClosed(LiveIndex index) {
    try {
      return documents(index) < 0;
    } catch (IndexUnavailableException e) {
      return true;
    }
  }

  private static void assertClosed(CompletableFuture<?> failed) {
    assertThat(failed)
        .failsWithin(PATIENCE)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(IndexUnavailableException.class)
        .withMessageContaining("is closed");
  }
}
