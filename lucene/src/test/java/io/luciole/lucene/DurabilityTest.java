package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.NIOFSDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is in an index after its indexer was closed, rolled back, or has failed. */
class DurabilityTest {
  private static final String WARNING = "was closed without a commit";

  @TempDir private Path folder;
  private Path index;
  private final EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();
  private final PrintStream usual = System.err;
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

  /** Where slf4j-simple writes. */
  @BeforeEach
  void open() {
    index = folder.resolve("index");
    System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void close() {
    System.setErr(usual);
    engine.close();
  }

  private String log() {
    return logged.toString(StandardCharsets.UTF_8);
  }

  private long committed() {
    return IndexDescription.read(index).documents();
  }

  private void make(int documents) {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.indexAll(new Texts(1).documents(documents).iterator(), progress -> {});
    }
  }

  /** An interrupt would close the file that Lucene's writer writes, and so the writer. */
  @Test
  void interruptedRefreshAndClose_loseNothing() {
    try {
      try (HybridIndexer indexer = HybridIndexer.open(index, engine);
          HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
        for (int i = 0; i < 20; i++) {
          indexer.put(SourceDocument.of("d" + i, "", "alpha beta")).join();
          Thread.currentThread().interrupt();
          assertThat(searcher.refresh()).isTrue();
          assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(indexer.failure()).isEmpty();
        Thread.currentThread().interrupt();
      }
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(committed()).isEqualTo(20);
  }

  /** As above, with the interrupt while files are written for the caller. */
  @Test
  void interruptedWhileFilesAreWritten_loseNothing() throws IOException {
    Thread caller = Thread.currentThread();
    AtomicBoolean armed = new AtomicBoolean();
    try (Directory directory =
        new FilterDirectory(new NIOFSDirectory(index)) {
          @Override
          public void sync(Collection<String> names) throws IOException {
            interrupt();
            super.sync(names);
          }

          @Override
          public IndexOutput createOutput(String name, IOContext context) throws IOException {
            interrupt();
            return super.createOutput(name, context);
          }

          private void interrupt() {
            if (armed.get()) {
              caller.interrupt();
            }
          }
        }) {
      try (HybridIndexer indexer = HybridIndexer.open(directory, engine, WriteOptions.defaults())) {
        for (int i = 0; i < 20; i++) {
          indexer.put(SourceDocument.of("d" + i, "", "alpha beta")).join();
        }
        armed.set(true);
        assertThat(indexer.delete(new TermQuery(new Term(SchemaFields.ID, "d3")))).isEqualTo(1);
        assertThat(Thread.interrupted()).isTrue();
        indexer.commit();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(indexer.delete(List.of("d4", "d5", "none"))).isEqualTo(2);
        indexer.commitMerged();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(indexer.failure()).isEmpty();
        armed.set(false);
      }
    } finally {
      boolean unused = Thread.interrupted();
    }
    assertThat(committed()).isEqualTo(17);
  }

  @Test
  void close_commitsWhatWasPut() {
    make(10);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      assertThat(indexer.hasUncommittedChanges()).isFalse();
      for (int i = 0; i < 5; i++) {
        indexer.put(SourceDocument.of("new" + i, "", "alpha")).join();
      }
      assertThat(indexer.hasUncommittedChanges()).isTrue();
    }
    assertThat(committed()).isEqualTo(15);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      assertThat(indexer.delete("new1")).isTrue();
    }
    assertThat(committed()).isEqualTo(14);
    assertThat(log()).doesNotContain(WARNING);
  }

  @Test
  void close_ofANewIndexWithoutDocuments_leavesNoFolder() {
    HybridIndexer.open(index, engine).close();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void rollback_discardsSilently() {
    HybridIndexer fresh = HybridIndexer.open(index, engine);
    fresh.put(SourceDocument.of("a", "", "alpha")).join();
    fresh.rollback();
    fresh.close();
    assertThat(folder).isEmptyDirectory();

    make(3);
    HybridIndexer indexer = HybridIndexer.open(index, engine);
    indexer.put(SourceDocument.of("a", "", "alpha")).join();
    indexer.rollback();
    assertThat(committed()).isEqualTo(3);
    assertThat(log()).doesNotContain(WARNING);
  }

  /** Waiting for texts whose documents cannot be committed would only delay the caller. */
  @Test
  @Timeout(60)
  void discarding_doesNotWaitForPendingTexts() {
    make(3);
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    FakeModel slow =
        new FakeModel(Output.DENSE, Output.SPARSE)
            .beforeRun(batch -> {
              reached.countDown();
              awaitUninterruptibly(released);
            });
    List<CompletableFuture<Boolean>> written = new ArrayList<>();
    try (EmbeddingEngine stuck = slow.open()) {
      try {
        HybridIndexer indexer = HybridIndexer.open(index, stuck);
        for (int i = 0; i < 50; i++) {
          written.add(indexer.put(SourceDocument.of("new" + i, "", "alpha")));
        }
        awaitUninterruptibly(reached);
        indexer.rollback();
      } finally {
        released.countDown();
      }
    }
    assertThat(written)
        .allSatisfy(document ->
            assertThatThrownBy(document::join)
                .hasCauseInstanceOf(IndexException.class)
                .hasMessageContaining("closed before the document was written and committed"));
    assertThat(committed()).isEqualTo(3);
  }

  @Test
  @Timeout(60)
  void interruptedRun_isClosedWithoutWaitingForPendingTexts() {
    make(3);
    CountDownLatch released = new CountDownLatch(1);
    Thread caller = Thread.currentThread();
    AtomicBoolean interrupted = new AtomicBoolean();
    FakeModel slow =
        new FakeModel(Output.DENSE, Output.SPARSE)
            .beforeRun(batch -> {
              if (interrupted.compareAndSet(false, true)) {
                caller.interrupt();
              }
              awaitUninterruptibly(released);
            });
    try (EmbeddingEngine stuck = slow.open()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, stuck)) {
        Iterator<SourceDocument> documents = new Texts(2).documents(50).iterator();
        assertThatThrownBy(() -> indexer.indexAll(documents, progress -> {}))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining("Interrupted");
        assertThat(Thread.interrupted()).isTrue();
      } finally {
        released.countDown();
      }
    }
    assertThat(committed()).isEqualTo(3);
  }

  @Test
  void listener_thatAlwaysFails_isLoggedOnce() {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.addListener(
          new IndexListener() {
            @Override
            public void onDocument(Duration took, Optional<Throwable> failure) {
              throw new AssertionError("a listener's fault");
            }
          });
      for (int i = 0; i < 20; i++) {
        indexer.put(SourceDocument.of("d" + i, "", "alpha")).join();
      }
    }
    assertThat(committed()).isEqualTo(20);
    assertThat(log()).containsOnlyOnce("A listener failed");
  }

  @Test
  void modelOfAnotherDimension_isRefused() {
    WriteOptions options =
        WriteOptions.defaults().schema(HybridSchema.builder(8, true).sparse(false).build());
    assertThatThrownBy(() -> HybridIndexer.open(index, engine.fingerprint(), options))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("8 components");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void close_withoutCommitOnClose_saysHowMuchIsDropped() {
    make(3);
    try (HybridIndexer indexer =
        HybridIndexer.open(index, engine, WriteOptions.defaults().commitOnClose(false))) {
      indexer.put(SourceDocument.of("a", "", "alpha")).join();
      indexer.put(SourceDocument.of("b", "", "alpha")).join();
    }
    assertThat(committed()).isEqualTo(3);
    assertThat(log()).containsOnlyOnce(WARNING).contains(index.toString(), "2 documents");
  }

  /** What was put before a run that fails belongs to the same commit as the run, which is none. */
  @Test
  void close_afterAFailedRun_doesNotCommitHalfOfIt() {
    make(3);
    Iterator<SourceDocument> failing =
        new Iterator<>() {
          private int at;

          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public SourceDocument next() {
            if (at == 20) {
              throw new IllegalStateException("the source is broken");
            }
            return SourceDocument.of("new" + at++, "", "alpha");
          }
        };
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.put(SourceDocument.of("a", "", "alpha")).join();
      assertThatThrownBy(() -> indexer.indexAll(failing, progress -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the source is broken");
      assertThatThrownBy(indexer::commit)
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("the source is broken");
    }
    assertThat(committed()).isEqualTo(3);
  }

  @Test
  @Timeout(60)
  void close_whileARunIsGoingOn_doesNotCommitHalfOfIt() throws InterruptedException {
    make(3);
    CountDownLatch half = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    HybridIndexer indexer = HybridIndexer.open(index, engine);
    CompletableFuture<Void> run =
        CompletableFuture.runAsync(() -> {
          Iterator<SourceDocument> slow =
              new Texts(2)
                  .documents(20).stream()
                      .map(document -> {
                        if (document.id().equals("d10")) {
                          half.countDown();
                          awaitUninterruptibly(closed);
                        }
                        return document;
                      })
                      .iterator();
          assertThatThrownBy(() -> indexer.indexAll(slow, progress -> {}))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("closed");
        });
    half.await();
    indexer.close();
    closed.countDown();
    run.join();
    assertThat(committed()).isEqualTo(3);
    assertThat(log()).containsOnlyOnce(WARNING);
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void close_afterAFailureThatNobodySaw_warns() {
    make(3);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.put(SourceDocument.of("a", "", "alpha")).join();
      engine.close();
      assertThatThrownBy(indexer.put(SourceDocument.of("b", "", "beta"))::join)
          .isInstanceOf(CompletionException.class)
          .hasCauseInstanceOf(IndexException.class);
    }
    assertThat(committed()).isEqualTo(3);
    assertThat(log()).containsOnlyOnce(WARNING).contains("The engine was closed", "1 documents");
  }

  @Test
  void put_isCommittedAfterAWhile() {
    WriteOptions options = WriteOptions.defaults().commitEvery(Duration.ofMillis(20));
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      indexer.put(SourceDocument.of("a", "", "alpha")).join();
      await().atMost(Duration.ofMinutes(1)).until(() -> !indexer.hasUncommittedChanges());
      assertThat(committed()).isEqualTo(1);
      assertThat(indexer.delete("a")).isTrue();
      await().atMost(Duration.ofMinutes(1)).until(() -> !indexer.hasUncommittedChanges());
      assertThat(committed()).isZero();
    }
  }

  @Test
  void commitEveryForever_leavesCommitsToTheApplication() {
    WriteOptions options =
        WriteOptions.defaults().commitEvery(ChronoUnit.FOREVER.getDuration()).commitOnClose(false);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      List<SourceDocument> documents = new Texts(1).documents(3);
      assertThat(indexer.indexAll(documents.iterator(), progress -> {}).added()).isEqualTo(3);
      indexer.put(SourceDocument.of("a", "", "alpha")).join();
    }
    assertThat(committed()).isEqualTo(3);
  }
}
