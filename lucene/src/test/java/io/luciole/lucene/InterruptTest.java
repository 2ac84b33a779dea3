package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.Output;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.TaskExecutor;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Threads that are interrupted while they search. */
@Timeout(120)
class InterruptTest {
  @TempDir private Path folder;
  private SearchFixture f;

  @BeforeEach
  void open() {
    f = new SearchFixture(folder.resolve("index"), 7, SchemaBuilder::build);
  }

  @AfterEach
  void close() {
    assertThat(Thread.interrupted()).isFalse();
    f.close();
  }

  enum Call {
    SEARCH {
      @Override
      void run(HybridSearcher searcher, Query filter) {
        SearchResult unused = searcher.search(HybridQuery.of("firefly light").filter(filter));
      }
    },
    WORDS {
      @Override
      void run(HybridSearcher searcher, Query filter) {
        SearchResult unused =
            searcher.search(HybridQuery.of("firefly light").legs(Leg.BM25).filter(filter));
      }
    },
    COUNT {
      @Override
      void run(HybridSearcher searcher, Query filter) {
        int unused = searcher.count(filter);
      }
    };

    abstract void run(HybridSearcher searcher, Query filter);
  }

  /** Matches all, once it may. */
  private static final class WaitingQuery extends Query {
    private final CountDownLatch begun;
    private final CountDownLatch released;

    WaitingQuery(CountDownLatch begun, CountDownLatch released) {
      this.begun = begun;
      this.released = released;
    }

    @Override
    public Query rewrite(IndexSearcher searcher) throws IOException {
      begun.countDown();
      boolean interrupted = false;
      while (released.getCount() > 0) {
        try {
          released.await();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      return MatchAllDocsQuery.INSTANCE;
    }

    @Override
    public void visit(QueryVisitor visitor) {}

    @Override
    public String toString(String field) {
      return "waiting";
    }

    @Override
    public boolean equals(@Nullable Object o) {
      return this == o;
    }

    @Override
    public int hashCode() {
      return 1;
    }
  }

  /** A search that need not wait does not notice; none loses the flag. */
  private void assertToldOrDone(@Nullable Throwable thrown) {
    assertThat(Thread.interrupted()).isTrue();
    if (thrown != null) {
      assertThat(thrown)
          .isInstanceOf(EmbeddingInterruptedException.class)
          .hasMessageContaining("Interrupted while");
    }
    assertThat(f.searcher.search("firefly light").hits()).isNotEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void interruptBefore_isTold(Call call) {
    for (int i = 0; i < 20; i++) {
      Thread.currentThread().interrupt();
      assertToldOrDone(catchThrowable(() -> call.run(f.searcher, MatchAllDocsQuery.INSTANCE)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void interruptMeanwhile_isTold_onceNothingReadsTheIndex(Call call) throws InterruptedException {
    for (int i = 0; i < 5; i++) {
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch released = new CountDownLatch(1);
      Thread caller = Thread.currentThread();
      Thread other =
          new Thread(() -> {
            try {
              begun.await();
              caller.interrupt();
              Thread.sleep(30);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            released.countDown();
          });
      other.start();
      Throwable thrown =
          catchThrowable(() -> call.run(f.searcher, new WaitingQuery(begun, released)));
      assertThat(released.getCount()).isZero();
      assertToldOrDone(thrown);
      other.join();
    }
  }

  /** As when the application has its own searchers, whose threads only Lucene knows. */
  @Test
  void interruptOfASearchOnTheApplicationsThreads_isTold() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try (Directory directory = FSDirectory.open(folder.resolve("index"));
        DirectoryReader reader = DirectoryReader.open(directory);
        HybridSearcher own =
            HybridSearcher.over(new IndexSearcher(reader, threads)).engine(f.engine).open()) {
      for (int i = 0; i < 20; i++) {
        Thread.currentThread().interrupt();
        assertToldOrDone(catchThrowable(() -> Call.SEARCH.run(own, MatchAllDocsQuery.INSTANCE)));
        assertThat(own.search("firefly light").hits()).isNotEmpty();
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void threadsThatTakeNoTask_leaveItToTheCaller() throws IOException {
    Executor full =
        task -> {
          throw new RejectedExecutionException();
        };
    assertThat(
            LegTasks.invokeAll(
                full,
                new TaskExecutor(full),
                List.<Callable<Integer>>of(() -> 1, () -> 2),
                () -> {}))
        .containsExactly(1, 2);
  }

  /** The caller does not wait for a model that does not answer. */
  @Test
  void interruptOfASearchThatWaitsForTheModel_endsIt() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    FakeModel slow =
        new FakeModel(Output.DENSE, Output.SPARSE)
            .beforeRun(batch -> {
              asked.countDown();
              try {
                released.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    try (EmbeddingEngine engine = slow.open();
        HybridSearcher searcher = HybridSearcher.open(folder.resolve("index"), engine)) {
      Thread caller = Thread.currentThread();
      Thread other =
          new Thread(() -> {
            try {
              asked.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            caller.interrupt();
          });
      other.start();
      Throwable thrown = catchThrowable(() -> searcher.search("firefly light"));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(thrown).isInstanceOf(EmbeddingInterruptedException.class);
      released.countDown();
      other.join();
      assertThat(searcher.search("firefly light").hits()).isNotEmpty();
    } finally {
      released.countDown();
    }
  }
}
