package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import io.luciole.Output;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.FilterMergePolicy;
import org.apache.lucene.index.MergePolicy;
import org.apache.lucene.index.MergeTrigger;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.store.AlreadyClosedException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What an application's own code throws reaches the caller, and leaves the index in use. */
@Timeout(120)
@Tag("lucene-10.4")
class OwnCodeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final WriteOptions OPTIONS =
      WriteOptions.defaults()
          .commitEvery(ChronoUnit.FOREVER.getDuration())
          .onFailure(WriteOptions.OnFailure.SKIP);

  @TempDir private Path folder;
  private final EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();

  @AfterEach
  void close() {
    engine.close();
  }

  static Stream<Throwable> failures() {
    return Stream.of(
        new IOException("a table of prices"),
        new IllegalStateException("a rule of the application's"),
        new AlreadyClosedException("a reader of the application's"),
        new EngineClosedException("an engine of the application's"),
        new CompletionException(new IOException("a future of the application's")),
        new NoClassDefFoundError("a class of the application's"),
        new StackOverflowError());
  }

  private LiveIndex open(WriteOptions options) {
    return LiveIndex.open(folder.resolve("index"), engine, options);
  }

  private static SourceDocument document(String id) {
    return SourceDocument.of(id, "", "alpha beta");
  }

  /** Throws anything, as Kotlin and Scala do. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  private static void assertUnharmed(LiveIndex index, int documents) {
    assertThat(index.health()).isEqualTo(new LiveIndex.Health(Optional.empty(), 0, 0));
    assertThat(index.put(document("last"))).succeedsWithin(PATIENCE).isEqualTo(false);
    index.commit();
    assertThat(index.search(HybridSearcher::documents)).isEqualTo(documents + 1);
    assertThat(index.delete("last")).isTrue();
  }

  /** A query of the application's that fails. */
  private static final class FailingQuery extends Query {
    private final Throwable failure;

    FailingQuery(Throwable failure) {
      this.failure = failure;
    }

    @Override
    public Query rewrite(IndexSearcher searcher) throws IOException {
      OwnCodeTest.<RuntimeException>sneak(failure);
      return this;
    }

    @Override
    public void visit(QueryVisitor visitor) {}

    @Override
    public String toString(String field) {
      return "failing";
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

  @ParameterizedTest
  @MethodSource("failures")
  void deletionByAQueryThatFails(Throwable failure) {
    try (LiveIndex index = open(OPTIONS)) {
      assertThat(index.put(document("a"))).succeedsWithin(PATIENCE);
      assertThatThrownBy(() -> index.delete(new FailingQuery(failure)))
          .satisfies(thrown -> {
            if (failure instanceof IOException) {
              assertThat(thrown).isInstanceOf(UncheckedIOException.class).hasCause(failure);
            } else {
              assertThat(thrown).isSameAs(failure);
            }
          });
      assertUnharmed(index, 1);
      assertThat(index.delete(MatchAllDocsQuery.INSTANCE)).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("failures")
  void fieldsThatCannotBeMade(Throwable failure) {
    WriteOptions options =
        OPTIONS.fields((source, document) -> {
          if (source.id().equals("bad")) {
            OwnCodeTest.<RuntimeException>sneak(failure);
          }
        });
    try (LiveIndex index = open(options)) {
      assertThat(index.put(document("a"))).succeedsWithin(PATIENCE);
      assertThat(
              index.put(document("bad")).handle((replaced, thrown) -> Optional.of(thrown)).join())
          .hasValueSatisfying(thrown ->
              assertThat(
                      thrown instanceof CompletionException && !thrown.equals(failure)
                          ? thrown.getCause()
                          : thrown)
                  .isSameAs(failure));
      assertUnharmed(index, 1);
    }
  }

  private static void unreadable(Document document) {
    document.add(
        new TextField(
            "body",
            new Reader() {
              private boolean begun;

              @Override
              public int read(char[] to, int offset, int length) throws IOException {
                if (begun) {
                  throw new MalformedInputException(1);
                }
                begun = true;
                to[offset] = 'x';
                to[offset + 1] = ' ';
                return 2;
              }

              @Override
              public void close() {}
            }));
  }

  /** Lucene reads it while it writes the document. */
  @Test
  void fieldsThatCannotBeRead() {
    WriteOptions options =
        OPTIONS.fields((source, document) -> {
          if (source.title().equals("bad")) {
            unreadable(document);
          }
        });
    try (LiveIndex index = open(options)) {
      assertThat(index.put(document("a"))).succeedsWithin(PATIENCE);
      for (String id : new String[] {"a", "b"}) {
        assertThat(index.put(SourceDocument.of(id, "bad", "x")))
            .failsWithin(PATIENCE)
            .withThrowableThat()
            .withCauseInstanceOf(MalformedInputException.class);
      }
      assertUnharmed(index, 1);
      assertThat(index.<Boolean, RuntimeException>search(s -> s.contains("a"))).isTrue();
      assertThat(index.delete("b")).isFalse();
      assertThat(index.put(document("b"))).succeedsWithin(PATIENCE).isEqualTo(false);
      assertThat(index.put(document("b"))).succeedsWithin(PATIENCE).isEqualTo(true);
      assertUnharmed(index, 2);
    }
    assertThat(IndexDescription.read(folder.resolve("index")).documents()).isEqualTo(2);
  }

  /** Whoever waits for the commit would wait for ever. */
  @ParameterizedTest
  @MethodSource("failures")
  void commitThatFailsByAPolicyOfTheApplications_isTold(Throwable failure) {
    AtomicReference<@Nullable Throwable> failing = new AtomicReference<>();
    MergePolicy policy =
        new FilterMergePolicy(new TieredMergePolicy()) {
          @Override
          public @Nullable MergeSpecification findFullFlushMerges(
              MergeTrigger trigger, SegmentInfos infos, MergeContext context) throws IOException {
            Throwable now = failing.get();
            if (now != null) {
              OwnCodeTest.<RuntimeException>sneak(now);
            }
            return super.findFullFlushMerges(trigger, infos, context);
          }
        };
    try (LiveIndex index = open(OPTIONS.writerConfig(config -> config.setMergePolicy(policy)))) {
      assertThat(index.put(document("a"))).succeedsWithin(PATIENCE);
      failing.set(failure);
      assertThatThrownBy(index::commit)
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("could not be written")
          .hasStackTraceContaining(failure.toString());
      failing.set(null);
      await().atMost(PATIENCE).until(() -> index.health().problem().isEmpty());
      assertThat(index.put(document("a"))).succeedsWithin(PATIENCE);
      index.commit();
      assertThat(IndexDescription.read(folder.resolve("index")).documents()).isEqualTo(1);
    }
  }
}
